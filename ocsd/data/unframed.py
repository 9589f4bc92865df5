"""Reads the last minutes: samples that are in the aggregator's journal and in no file yet.

The journal is read without locks while the aggregator writes it. Whatever the journal says at
that moment counts: a file is then read only as far as the journal knows it, so that no sample
is missing or there twice, whenever the next frame is written. A segment that is deleted
meanwhile holds only samples that are in files.
"""

import os
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocsd import journal
from ocsd.data.index import FileSummary, IndexedBlock, IndexedSource
from ocsd.data.scan import HOLES_FEED, block_of, holes_of
from ocsd.data.spans import Span, believable
from ocsd.errors import JournalVersionError
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock, Values, gather
from ocsd.journal.ranges import Ranges

_Kinds = tuple[tuple[str, Kind], ...]

_TRIES_OF_JOURNAL: Final = 4
"""Times that a journal is read of which segments are deleted meanwhile: once would nearly do."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Samples that wait for a frame, of one block and one life of the agent."""

    feed: str
    agent_session: str
    block_name: str
    kinds: Mapping[str, Kind]
    values: Mapping[str, Values]
    """By field; "" are the Unix times [s], in the order of arrival."""
    units: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(slots=True)
class UnframedBlocks:
    """Packed blocks with the same fields that wait for a frame, in the order of arrival."""

    numbers: list[int]
    """The number of each one's message."""
    blocks: list[PackedBlock]
    _summary: IndexedBlock | None = None

    @property
    def feed(self) -> str:
        """Address of the feed."""
        return self.blocks[0].layout.origin.address

    def columns(self, names: Container[str] | None = None) -> Columns:
        """Return the samples, of these fields only or of all."""
        layout = self.blocks[0].layout
        about = self.blocks[-1].layout.origin
        wanted = {
            name: kind for name, kind in layout.kinds.items() if names is None or name in names
        }
        values = gather(self.blocks, wanted)
        session, name = layout.origin.session_id, layout.block_name
        return Columns(self.feed, session, name, layout.kinds, values, about.units, about.labels)

    def summary(self, limits: Span) -> IndexedBlock:
        """Return a summary; samples that are not between the limits are outliers."""
        if self._summary is None:
            layout = self.blocks[0].layout
            fields = {name: str(kind) for name, kind in layout.kinds.items()}
            times = np.sort(np.asarray(gather(self.blocks, {})[""]))
            self._summary = block_of(layout.block_name, fields, times, limits)
        return self._summary

    def joined(self, later: "UnframedBlocks") -> "UnframedBlocks":
        """Return these blocks and later ones."""
        return UnframedBlocks(self.numbers + later.numbers, self.blocks + later.blocks)

    def without(self, numbers: Ranges) -> "UnframedBlocks | None":
        """Return the blocks that are not in these messages; None if none is left."""
        kept = [place for place, number in enumerate(self.numbers) if number not in numbers]
        if len(kept) == len(self.numbers):
            return self
        if not kept:
            return None
        return UnframedBlocks([self.numbers[k] for k in kept], [self.blocks[k] for k in kept])


@dataclass(frozen=True, slots=True)
class UnframedRows:
    """The content of the journal that is in no file."""

    waiting: Sequence[UnframedBlocks]
    ends: Mapping[str, int]
    """Length of each file, as far as the journal knows it [bytes]."""
    read_at: float
    """Time before the journal was read [s, Unix time]: later files are unknown to it."""
    name: str
    """Name of its first segment within the data folder."""
    size_bytes: int

    @property
    def columns(self) -> Sequence[Columns]:
        """All samples."""
        return [each.columns() for each in self.waiting]

    def of(self, feed: str, names: Container[str]) -> list[Columns]:
        """Return the samples of some fields of a feed."""
        return [each.columns(names) for each in self.waiting if each.feed == feed]

    def summary(self) -> FileSummary | None:
        """Return a summary as of a file; None if no samples wait."""
        if not self.waiting:
            return None
        return FileSummary(
            name=self.name,
            size_bytes=self.size_bytes,
            mtime_ns=int(self.read_at * 1e9),
            frames=0,
            sources=tuple(self._sources()),
            holes=tuple(hole for each in self.waiting for hole in _holes(each)),
            damage=(),
        )

    def _sources(self) -> Iterator[IndexedSource]:
        blocks: dict[tuple[str, str], list[IndexedBlock]] = defaultdict(list)
        about_fields: dict[tuple[str, str], tuple[Mapping[str, str], Mapping[str, str]]] = {}
        limits = believable(self.read_at, self.read_at)
        for each in self.waiting:
            origin = each.blocks[-1].layout.origin
            blocks[origin.address, origin.session_id].append(each.summary(limits))
            about_fields[origin.address, origin.session_id] = origin.units, origin.labels
        for (feed, session), found in blocks.items():
            yield IndexedSource(feed, session, (), tuple(found), *about_fields[feed, session])


class UnframedReader:
    """Follows the journal of a data folder, and keeps what waits for a frame.

    Each reading costs what has come since the last one.

    Parameters
    ----------
    folder : Path
        The data folder.
    newest_only : bool
        Keep no more than the newest block of each source: the fields are known, and no memory is
        needed for samples that nobody reads here.
    """

    def __init__(self, folder: Path, newest_only: bool = False) -> None:
        self._folder = folder
        self._newest_only = newest_only
        self._journal = journal.journal_folder(folder)
        self._follower = journal.JournalFollower(self._journal)
        self._forget()

    def read(self, now_at: float) -> UnframedRows | None:
        """Return the content of the journal now [s, Unix time]; None without one.

        A journal that this user may not read is like none.
        """
        try:
            segments = self._read_all()
        except (OSError, JournalVersionError):
            self._forget()
            return None
        if not segments:
            return None
        return UnframedRows(
            waiting=[*self._batches()],
            ends={name: end for name, (end, _) in self._ends.items()},
            read_at=now_at,
            name=segments[0][1].relative_to(self._folder).as_posix(),
            size_bytes=sum(map(_size_bytes, journal.segments(self._journal))),
        )

    def _read_all(self) -> Sequence[tuple[int, Path]]:
        """Read what is new, or all again if something may have gone unread; return the segments."""
        for _ in range(_TRIES_OF_JOURNAL):
            segments = journal.segments(self._journal)
            if not segments or self._follow(segments[0][0]):
                return segments
            self._forget()
        return []

    def _batches(self) -> Iterator[UnframedBlocks]:
        for by_kinds in self._waiting.values():
            for batches in by_kinds.values():
                yield from batches

    def close(self) -> None:
        """Close the journal."""
        self._follower.close()

    def _forget(self) -> None:
        self._follower.close()
        self._follower = journal.JournalFollower(self._journal)
        self._oldest = -1
        self._waiting: dict[journal.BlockKey, dict[_Kinds, list[UnframedBlocks]]] = {}
        self._ends: dict[str, tuple[int, int]] = {}
        self._unproven: list[tuple[journal.FrameAppended, int]] = []

    def _follow(self, oldest: int) -> bool:
        """Read what is new; False if something may have gone unread.

        `oldest` is the number of the first segment. Frames that are in no file are noted until
        their segment is deleted.
        """
        if self._unproven and oldest != self._oldest:
            return False
        self._oldest = oldest
        # One piece at a time: all its entries are of the segment of the place, and a journal that
        # has grown for days is never held as a whole.
        while entries := self._follower.poll(most_bytes=1):
            if any(map(_is_loss, entries)):
                return False
            self._take_all(entries)
        self._unproven = [each for each in self._unproven if not self._cover(*each)]
        self._ends = {name: end for name, end in self._ends.items() if end[1] >= oldest}
        return True

    def _take_all(self, entries: Sequence[journal.Entry]) -> None:
        fresh: dict[Layout, UnframedBlocks] = {}
        frames = len(self._unproven)
        for entry in entries:
            self._take(entry, fresh)
        for layout, blocks in fresh.items():
            by_kinds = self._waiting.setdefault(
                journal.block_key(layout.origin, layout.block_name), {}
            )
            self._add(by_kinds.setdefault(tuple(layout.kinds.items()), []), blocks)
        self._unproven[frames:] = [
            each for each in self._unproven[frames:] if not self._cover(*each)
        ]

    def _take(self, entry: journal.Entry, fresh: dict[Layout, UnframedBlocks]) -> None:
        match entry:
            case journal.Message(number, _, blocks):
                for packed in blocks:
                    if packed.length:
                        batch = fresh.get(packed.layout)
                        if batch is None:
                            batch = fresh[packed.layout] = UnframedBlocks([], [])
                        batch.numbers.append(number)
                        batch.blocks.append(packed)
            case journal.File(name, length):
                self._note_end(name, length, self._segment)
            case journal.FrameAppended():
                self._unproven.append((entry, self._segment))

    def _add(self, batches: list[UnframedBlocks], fresh: UnframedBlocks) -> None:
        """Append blocks; batches become ever shorter, so that there are few of them."""
        if self._newest_only:
            batches[:] = [UnframedBlocks(fresh.numbers[-1:], fresh.blocks[-1:])]
            return
        batches.append(fresh)
        while len(batches) > 1 and len(batches[-1].blocks) * 2 > len(batches[-2].blocks):
            last = batches.pop()
            batches[-1] = batches[-1].joined(last)

    @property
    def _segment(self) -> int:
        """Number of the segment of which entries were read last."""
        if self._follower.place is None:
            return 0
        return self._follower.place.segment

    def _note_end(self, name: str, length: int, segment: int) -> None:
        before, last = self._ends.get(name, (0, 0))
        self._ends[name] = max(before, length), max(last, segment)

    def _cover(self, frame: journal.FrameAppended, segment: int) -> bool:
        """Take a frame as written, unless a power cut has taken it; return whether it is."""
        end = frame.offset + frame.length
        try:
            there = os.stat(self._folder / frame.name).st_size >= end
        except OSError:
            there = False
        if not there:
            return False
        self._note_end(frame.name, end, segment)
        for cover in frame.covers:
            by_kinds = self._waiting.get(cover.key, {})
            for kinds, batches in by_kinds.items():
                left = [batch.without(cover.numbers) for batch in batches]
                by_kinds[kinds] = [batch for batch in left if batch is not None]
            if not any(by_kinds.values()):
                self._waiting.pop(cover.key, None)
        return True


def read(folder: Path, now_at: float) -> UnframedRows | None:
    """Return the content of the journal of a data folder now [s, Unix time]; None without one.

    A journal that this user may not read is like none.
    """
    reader = UnframedReader(folder)
    try:
        return reader.read(now_at)
    finally:
        reader.close()


def _is_loss(entry: journal.Entry) -> bool:
    """Return whether entries went unread that can be read, if one begins anew."""
    return isinstance(entry, journal.Lost) and not entry.damaged


def _size_bytes(segment: tuple[int, Path]) -> int:
    """Return the length of a segment; 0 if it has just been deleted."""
    try:
        return segment[1].stat().st_size
    except OSError:
        return 0


def _holes(blocks: UnframedBlocks) -> list[Any]:
    if not blocks.feed.endswith(HOLES_FEED):
        return []
    columns = blocks.columns()
    times = np.asarray(columns.values[""]).tolist()
    return holes_of(columns.block_name, columns.values, times)
