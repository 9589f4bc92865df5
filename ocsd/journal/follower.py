"""Follows the journal: every entry once, in order, while the recorder writes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, TypeAlias

from ocsd.errors import JournalVersionError
from ocsd.journal.format import Alive, Event, File, Message, Outage
from ocsd.journal.open_segment import OpenSegment
from ocsd.journal.segments import segments

_CHUNK_BYTES: Final = 2**20


class JournalPlace(NamedTuple):
    """The place behind an entry, to go on from it later."""

    segment: int
    """Number of the segment."""
    offset: int
    """End of the entry's record [bytes]."""
    checksum: int
    """The record's: an orderly end of the recorder deletes the journal, and the next one begins
    with the same number again.
    """
    at: float
    """Time of the newest entry so far [Unix s], 0 if none has a time."""


class Start(Enum):
    """Where a follower begins that has no place to go on from."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Lost:
    """Entries may have gone before they were read; what they held is in files or lost itself."""

    since_at: float
    """Time of the newest entry before them [Unix s], 0 if there is none."""
    reason: str
    damaged: bool = False
    """Whether a segment cannot be read to its end: nobody can read what is behind that place, so
    that a reader who begins with the oldest entry misses it as well.
    """


Entry: TypeAlias = Message | Event | Lost


class JournalFollower:
    """Reads a journal from any place to its newest entry, and goes on as it grows.

    A segment that is deleted or moved while it is read stays readable. A torn end is tried again
    until the recorder has mended it or begun another segment. A folder that is not there is
    waited for.

    Parameters
    ----------
    folder : Path
        That of the journal (`ocsd.journal.segments.journal_folder`).
    start : JournalPlace or Start
        The place behind which to go on, or the oldest or newest entry.

    Attributes
    ----------
    place : JournalPlace or None
        Behind the last entry that was returned; None before the first one.
    behind : bool
        True if `poll` can return more at once.
    """

    def __init__(self, folder: Path, start: JournalPlace | Start = Start.OLDEST) -> None:
        self.place = start if isinstance(start, JournalPlace) else None
        self.behind = False
        self._folder = folder
        self._start = start
        self._at = self.place.at if self.place else 0.0
        self._segment: OpenSegment | None = None
        self._ended: OpenSegment | None = None

    def poll(self, most_bytes: int = 2**22) -> list[Entry]:
        """Return the entries that have come since the last call, about `most_bytes` at most.

        Raises
        ------
        JournalVersionError
            If a segment is of another version of the format; all before it has been returned.
        OSError
            If the folder or a segment cannot be read; all before it has been returned.
        """
        found: list[Entry] = []
        left = most_bytes
        try:
            while left > 0 and (self._segment or self._begin(found)):
                taken = self._read(found)
                left -= taken
                if not taken and not self._next_segment(found):
                    break
        except (JournalVersionError, OSError):
            self.close()
            self._start, self._ended = self.place or self._start, None
            if not found:  # else the next call raises it
                raise
        self.behind = left <= 0
        return found

    def close(self) -> None:
        """Close the segment that is open."""
        if self._segment:
            self._segment.close()
        self._segment = None

    def __enter__(self) -> "JournalFollower":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, found: list[Entry]) -> bool:
        """Open the first segment; False if there is none."""
        paths = dict(segments(self._folder))
        if not paths:
            if self._start is Start.NEWEST:
                self._start = Start.OLDEST  # everything that comes is new
            return False
        if isinstance(self._start, JournalPlace):
            return self._go_on(self._start, paths, found)
        if self._start is Start.NEWEST:
            return self._open(max(paths), paths)
        return self._open_oldest(paths)

    def _go_on(self, place: JournalPlace, paths: dict[int, Path], found: list[Entry]) -> bool:
        if place.segment in paths and self._open(place.segment, paths):
            if self._segment and self._segment.find(place.offset, place.checksum):
                return True
            self.close()
        # Nobody knows whether it had been read to its end.
        if self._open_oldest(paths):
            found.append(Lost(self._at, f"segment {place.segment} of the journal is gone"))
            return True
        return False

    def _open_oldest(self, paths: dict[int, Path]) -> bool:
        """Open the oldest segment that is still there; False if there is none."""
        return any(self._open(number, paths) for number in sorted(paths))

    def _open(self, number: int, paths: dict[int, Path]) -> bool:
        try:
            fresh = OpenSegment(number, paths[number])
        except FileNotFoundError:  # deleted meanwhile
            return False
        if self._start is Start.NEWEST:
            fresh.skip()
            self._start = Start.OLDEST
        self.close()
        self._segment = fresh
        return True

    def _read(self, found: list[Entry]) -> int:
        """Append the next entries of the segment, and return their length [bytes]."""
        segment = self._segment
        if segment is None:
            return 0
        before = segment.offset
        entries = segment.read(_CHUNK_BYTES)
        if not entries:
            return 0
        if self._ended and not _goes_on(self._ended, entries[0]):
            found.append(Lost(self._at, "segments of the journal were deleted unread"))
        self._ended = None
        self._at = _time_of(reversed(entries)) or self._at
        self.place = JournalPlace(segment.number, segment.offset, segment.checksum, self._at)
        found += entries
        return segment.offset - before

    def _next_segment(self, found: list[Entry]) -> bool:
        """Go on to the next segment; False if there is none, and this one is at its end."""
        segment = self._segment
        if segment is None:
            return False
        paths = dict(segments(self._folder))
        is_there = segment.is_at(paths.get(segment.number))
        number = _following(segment.number, paths, is_there=is_there)
        if number is None:
            return False
        if not segment.ended:
            segment.ended = True
            return True  # The last entry may have been written after this one was read.
        loss = _loss(segment, number, self._at)
        if not self._open(number, paths):
            return dict(segments(self._folder)) != paths  # it has just been deleted
        if loss:
            found.append(loss)
        elif not is_there:
            self._ended = segment
        return True


def _following(current: int, numbers: Iterable[int], *, is_there: bool) -> int | None:
    """Return the number of the segment to read after the current one; None if there is none.

    `is_there` says whether the current one is still in the folder. Otherwise lower numbers are
    of another journal: the oldest segments are deleted first.
    """
    present = set(numbers)
    later = {number for number in present if number > current}
    if is_there or later == present:
        present = later
    return min(present, default=None)


def _loss(segment: OpenSegment, number: int, since_at: float) -> Lost | None:
    """Return why entries between a segment and the next one may be missing, if they may."""
    if number <= segment.number:
        return Lost(since_at, "the recorder has begun another journal")
    if number > segment.number + 1:
        return Lost(since_at, f"segments of the journal before {number} were deleted unread")
    if segment.left_bytes:
        reason = f"segment {segment.number} of the journal is torn or damaged at {segment.offset}"
        return Lost(since_at, reason, damaged=True)
    return None


def _goes_on(deleted: OpenSegment, first: Message | Event) -> bool:
    """Return whether an entry begins the segment behind one that was deleted.

    It does if it tells the same file, and the same length of it: nothing was framed between. The
    journal of a new recorder has the same numbers, and another file.
    """
    return isinstance(first, File) and first == deleted.file


def _time_of(entries: Iterable[Message | Event]) -> float | None:
    """Return the time of the first entry that has one [Unix s]."""
    for entry in entries:
        match entry:
            case Message():
                return entry.arrived_at
            case Alive(at) | Outage(ended_at=at):
                return at
            case _:
                continue
    return None
