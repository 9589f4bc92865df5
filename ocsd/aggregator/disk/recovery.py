"""Recovery at the start of the recorder: nothing lost, nothing twice.

The rules, in order:

1. The snapshot of the ledger is right about all that is not in the journal any more.
2. A G3 file that is longer than the journal says has a torn or unrecorded end: cut off.
3. A frame that the journal has but the file has not (a power cut) is void.
4. Blocks of the journal without a valid frame wait for one again.

All of it can be repeated any number of times, because it may be interrupted as well.
"""

import contextlib
import os
from binascii import crc32
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from ocsd import journal
from ocsd.aggregator.disk.append_file import sync_and_close
from ocsd.aggregator.disk.archive import folder_trouble
from ocsd.aggregator.disk.ledger import Ledger
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.hole import HOLES_BLOCK_NAME, Hole
from ocsd.journal.format import check_version
from ocsd.journal.layout import PackedBlock, gather
from ocsd.journal.ranges import Ranges

# Folders that are searched for leftovers of a crash. Each holds files of 100,000 s.
_FOLDERS_SWEPT: Final = 2


@dataclass(slots=True)
class _File:
    """A G3 file as the journal describes it."""

    length: int
    frames: list[journal.FrameAppended] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Packed blocks of one message that are in the journal, but in no frame."""

    segment: int
    number: int
    arrived_at: float
    source: Source
    blocks: tuple[PackedBlock, ...]


class Recovery:
    """The state of a data folder, made of the ledger and the journal.

    `holes_feed` is the address of the recorder's own feed of holes, `now_at` a Unix time [s].

    Attributes
    ----------
    ledger : Ledger
        Complete when `waiting` has been read to its end.
    next_segment : int
        Number for the first new segment of the journal.
    cause : str
        The reason why nothing was recorded before this start.

    Raises
    ------
    DataFolderError
        If a file cannot be read or cut, or is of a newer version.
    """

    def __init__(self, folder: Path, holes_feed: str, now_at: float, log: Log) -> None:
        self._folder = folder
        self._holes_feed = holes_feed
        self._log = log
        self._segments = journal.segments(journal.journal_folder(folder))
        self._covered: defaultdict[journal.BlockKey, Ranges] = defaultdict(Ranges)
        self.cause = "the aggregator was not running"
        self.next_segment = 0
        if self._segments:  # An orderly end leaves no journal.
            self.cause = "the aggregator was killed, or its host went down"
            self.next_segment = self._segments[-1][0] + 1
        try:
            self.ledger = self._read_ledger(now_at)
            for name, file in self._read_notes().items():
                self._mend(folder / name, file)
            self._sweep()
        except OSError as error:
            raise folder_trouble(folder, error) from error

    def waiting(self) -> Iterator[Waiting]:
        """Yield the packed blocks that are in no frame, and bring the ledger up to date.

        Raises
        ------
        DataFolderError
            If the journal cannot be read.
        """
        for source in self.ledger.sources.values():
            source.numbering.framed = Ranges(source.numbering.seen.bounds)
        for segment, path in self._segments:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise folder_trouble(self._folder, error) from error
            for entry in journal.read(content):
                if isinstance(entry, journal.Message) and entry.blocks:
                    yield from self._replay(segment, entry)

    def _replay(self, segment: int, message: journal.Message) -> Iterator[Waiting]:
        number = message.number
        source = self.ledger.source_of(message.blocks[0].layout.origin)
        source.received_at = max(source.received_at, message.arrived_at)
        self._alive(message.arrived_at)
        if number not in source.numbering.seen:
            source.numbering.add(number, _time_of(message))
            source.numbering.framed.add(number, number + 1)
            if source.key.address == self._holes_feed:
                self._add_holes(message.blocks)
        left = []
        for packed in message.blocks:
            if self._is_framed(number, packed):
                self.ledger.kinds.wrote(source.key.address, packed.layout.kinds)
            else:
                left.append(packed)
        if left:
            source.numbering.framed.remove(number)
            yield Waiting(segment, number, message.arrived_at, source, tuple(left))

    def _is_framed(self, number: int, packed: PackedBlock) -> bool:
        """Return whether a block is in a valid frame, or empty."""
        key = journal.block_key(packed.layout.origin, packed.layout.block_name)
        return not packed.length or number in self._covered[key]

    def _add_holes(self, blocks: Iterable[PackedBlock]) -> None:
        for packed in blocks:
            if packed.layout.block_name == HOLES_BLOCK_NAME:
                self.ledger.add_hole(_hole(packed))

    def _read_ledger(self, now_at: float) -> Ledger:
        path = ledger_path(self._folder)
        try:
            return Ledger.decoded(path.read_bytes())
        except FileNotFoundError:
            pass
        except (ValueError, LookupError, TypeError) as error:
            aside = path.with_suffix(f".bad-{int(now_at)}")
            path.rename(aside)
            self._log.warn(
                "the ledger cannot be read ({error}) and starts empty; the old one is {aside}",
                error=str(error),
                aside=str(aside),
            )
        return Ledger(recorded_since=now_at)

    def _read_notes(self) -> dict[str, _File]:
        """Read everything but the messages."""
        files: dict[str, _File] = {}
        for _number, path in self._segments:
            sync_and_close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            content = path.read_bytes()
            check_version(content[: len(journal.MAGIC)], str(path))
            for entry in journal.read(content):
                match entry:
                    case journal.File(name, length):
                        if length == 0 or name not in files:
                            files[name] = _File(length)
                    case journal.FrameAppended(name):
                        files.setdefault(name, _File(entry.offset)).frames.append(entry)
                    case journal.Outage():
                        self.ledger.add_outage(entry)
                    case journal.Alive(at):
                        self._alive(at)
        return files

    def _mend(self, path: Path, file: _File) -> None:
        """Find out which frames are in a file, and cut off anything else at its end."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            descriptor = -1
        end = file.length
        try:
            for frame in file.frames:
                if descriptor < 0 or not _holds(descriptor, frame):
                    break
                end = frame.offset + frame.length
                self._cover(frame)
            if descriptor >= 0:
                self._cut(path, descriptor, end)
        finally:
            if descriptor >= 0:
                # Its writer may have died before it was synced.
                sync_and_close(descriptor)

    def _cut(self, path: Path, descriptor: int, end: int) -> None:
        length = os.fstat(descriptor).st_size
        if end == 0:
            path.unlink()
        elif length > end:
            os.ftruncate(descriptor, end)
            self._log.info(
                "cut off the last {count} bytes of {path}, which are in the journal",
                count=length - end,
                path=str(path),
            )

    def _cover(self, frame: journal.FrameAppended) -> None:
        for cover in frame.covers:
            for first, end in cover.numbers:
                self._covered[cover.key].add(first, end)

    def _sweep(self) -> None:
        """Remove files that are empty."""
        folders = sorted(self._folder.glob("[0-9]" * 5), reverse=True)
        for folder in islice(folders, _FOLDERS_SWEPT):
            for path in folder.glob("[0-9]*.g3"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_size == 0:
                        path.unlink()

    def _alive(self, at: float) -> None:
        self.ledger.alive_at = max(self.ledger.alive_at or at, at)


def ledger_path(folder: Path) -> Path:
    """Return the path of the ledger of a data folder."""
    return folder / "ocsd" / "ledger.json"


def _holds(descriptor: int, frame: journal.FrameAppended) -> bool:
    content = os.pread(descriptor, frame.length, frame.offset)
    return len(content) == frame.length and crc32(content) == frame.checksum


def _time_of(message: journal.Message) -> float:
    """Return the Unix time [s] of a message: that of its last sample, or of its arrival."""
    packed = message.blocks[0]
    if not packed.length:
        return message.arrived_at
    last = float(packed.layout.unpack(packed.length, [packed.content])[""][-1])
    return Instant(at=message.arrived_at, mono_s=0.0).dated(last)


def _hole(packed: PackedBlock) -> Hole:
    columns = gather([packed], packed.layout.kinds)
    return Hole.from_json({name: np.asarray(values).item() for name, values in columns.items()})
