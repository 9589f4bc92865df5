"""What the recorder finds when it starts: nothing lost, nothing twice.

The rules, in order:

1. The snapshot of the ledger holds for all that is not in the journal any more.
2. A G3 file that is longer than the journal says has a torn or unrecorded end: cut off.
3. A frame that the journal has but the file has not (a power cut) is void.
4. Data of the journal without a valid frame wait for one again.

All of it may be done any number of times, for it may be interrupted as well.
"""

import contextlib
import os
from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from ocsd.aggregator.disk import journal, journal_writer
from ocsd.aggregator.disk.append_file import sync_and_close
from ocsd.aggregator.disk.archive import folder_trouble
from ocsd.aggregator.disk.ledger import Ledger
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.layout import PackedBlock, gather
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.hole import HOLES_BLOCK_NAME, Hole
from ocsd.aggregator.numbers.ranges import Ranges

# Files are opened in the folder of the present 100,000 s; leftovers of a crash are
# looked for in this many.
_FOLDERS_SWEPT: Final = 2

Covered: TypeAlias = dict[tuple[str, str, bool, str], Ranges]


@dataclass(slots=True)
class _File:
    """A G3 file as the journal knows it."""

    length: int
    frames: list[journal.FrameAppended] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Samples of one message that are in the journal, but in no frame."""

    segment: int
    number: int
    arrived_at: float
    source: Source
    blocks: tuple[PackedBlock, ...]


class Recovery:
    """The state of a data folder, made of the ledger and the journal.

    Parameters
    ----------
    folder : Path
        The data folder.
    holes_feed : str
        Address of the recorder's own feed of holes.
    now_at : float
        Unix time [s].
    log : Log
        Where to say what was found.

    Attributes
    ----------
    ledger : Ledger
        Complete when `waiting` has been read to its end.
    next_segment : int
        Number for the first new segment of the journal.
    cause : str
        Why nothing was recorded before this start.

    Raises
    ------
    DataFolderError
        If a file cannot be read or cut.
    """

    def __init__(self, folder: Path, holes_feed: str, now_at: float, log: Log) -> None:
        self._folder = folder
        self._holes_feed = holes_feed
        self._log = log
        self._segments = journal_writer.segments(journal_folder(folder))
        self._covered: Covered = {}
        # Whoever ends in order leaves no journal.
        killed = "the aggregator was killed, or its host went down"
        self.cause = killed if self._segments else "the aggregator was not running"
        self.next_segment = self._segments[-1][0] + 1 if self._segments else 0
        try:
            self.ledger = self._read_ledger(now_at)
            files = self._read_notes()
            for name, file in files.items():
                self._mend(folder / name, file)
            self._sweep()
        except OSError as error:
            raise folder_trouble(folder, error) from error

    def waiting(self) -> Iterator[Waiting]:
        """Yield the samples that are in no frame, and bring the ledger up to date.

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
                if isinstance(entry, journal.Data) and entry.blocks:
                    yield from self._replay(segment, entry)

    def _replay(self, segment: int, data: journal.Data) -> Iterator[Waiting]:
        origin = data.blocks[0].layout.origin
        source = self.ledger.source_of(origin)
        source.received_at = max(source.received_at, data.arrived_at)
        self._alive(data.arrived_at)
        fresh = data.number not in source.numbering.seen
        if fresh:
            source.numbering.add(data.number, _time_of(data))
        left = []
        for packed in data.blocks:
            layout = packed.layout
            if (
                fresh
                and origin.address == self._holes_feed
                and layout.block_name == HOLES_BLOCK_NAME
            ):
                self.ledger.add_hole(_hole(packed))
            place = (origin.address, origin.session_id, source.numbered, layout.block_name)
            if packed.length and data.number not in self._covered.get(place, ()):
                left.append(packed)
        if fresh and not left:
            source.numbering.framed.add(data.number, data.number + 1)
        if left:
            source.numbering.framed.remove(data.number)
            yield Waiting(segment, data.number, data.arrived_at, source, tuple(left))

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
                "the ledger cannot be read ({error}) and begins anew; it is kept as {aside}",
                error=str(error),
                aside=str(aside),
            )
        return Ledger(recorded_since=now_at)

    def _read_notes(self) -> dict[str, _File]:
        """Read all but the data."""
        files: dict[str, _File] = {}
        for _number, path in self._segments:
            sync_and_close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            for entry in journal.read(path.read_bytes()):
                match entry:
                    case journal.File(name, length):
                        if length == 0 or name not in files:
                            files[name] = _File(length)
                    case journal.FrameAppended(name=name):
                        files.setdefault(name, _File(entry.offset)).frames.append(entry)
                    case journal.Outage():
                        self.ledger.add_outage(entry)
                    case journal.Alive(at):
                        self._alive(at)
        return files

    def _mend(self, path: Path, file: _File) -> None:
        """Note which frames are in a file, and cut off what else is at its end."""
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
                # Whoever wrote it may have died before it was on the disk.
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
        for each in frame.covers:
            place = (each.address, each.session_id, each.numbered, each.block_name)
            covered = self._covered.setdefault(place, Ranges())
            for first, end in each.numbers:
                covered.add(first, end)

    def _sweep(self) -> None:
        """Remove files that were made and got no byte."""
        folders = sorted(self._folder.glob("[0-9]" * 5), reverse=True)
        for folder in islice(folders, _FOLDERS_SWEPT):
            for path in folder.glob("[0-9]*.g3"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_size == 0:
                        path.unlink()

    def _alive(self, at: float) -> None:
        self.ledger.alive_at = max(self.ledger.alive_at or at, at)


def journal_folder(folder: Path) -> Path:
    """Return where the journal of a data folder is."""
    return folder / "ocsd" / "journal"


def ledger_path(folder: Path) -> Path:
    """Return where the ledger of a data folder is."""
    return folder / "ocsd" / "ledger.json"


def _holds(descriptor: int, frame: journal.FrameAppended) -> bool:
    found = os.pread(descriptor, frame.length, frame.offset)
    return len(found) == frame.length and crc32(found) == frame.checksum


def _time_of(data: journal.Data) -> float:
    """Return the Unix time [s] of a message, as the recorder took it when it came."""
    packed = data.blocks[0]
    if not packed.length:
        return data.arrived_at
    return float(packed.layout.unpack(packed.length, [packed.packed])[""][-1])


def _hole(packed: PackedBlock) -> Hole:
    columns = gather([packed], packed.layout.kinds)
    values = {name: values[0] for name, values in columns.items()}
    return Hole.from_json({k: v if isinstance(v, str) else v.item() for k, v in values.items()})
