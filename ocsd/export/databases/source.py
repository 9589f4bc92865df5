"""Everything that is to be written, in the order of writing: new samples before old ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ocsd import journal
from ocsd.export.databases.cursor import (
    Cursor,
    FilePlace,
    FileSpan,
    JournalSpan,
    Position,
    opened_at,
)
from ocsd.export.databases.points import BlockSamples
from ocsd.export.databases.trails import (
    JournalTrail,
    end_of_files,
    frames,
    names_of_files,
    span_of_files,
)

_Progress = tuple[Sequence[JournalSpan | FileSpan], Sequence[FileSpan]]
"""The rest of the part that was read, and what was found to be lost in it."""

LEAP_S: Final = 10.0
"""A writer that is further behind writes what is new first, and the rest behind it [s]."""


class SampleSource:
    """Reads what a cursor leaves, and moves the cursor on.

    Parameters
    ----------
    folder : Path
        The data folder.
    cursor : Cursor or None
        What is still to be written; None at the first start, which begins with the oldest entry
        of the journal.
    now_at : float
        The time [Unix s].

    Attributes
    ----------
    cursor : Cursor
        What is still to be written behind all that has been read.
    """

    def __init__(self, folder: Path, cursor: Cursor | None, now_at: float) -> None:
        self._folder = folder
        # At the first start, all that is in files is left out, whatever becomes of this life.
        settled = (cursor or Cursor(Position(None, end_of_files(folder)))).settled()
        if settled.live.place is None or not _has_journal(folder):
            settled = _of_files(folder, settled)
        place = settled.live.place
        leaps = place is not None and place.at > 0 and now_at - place.at > LEAP_S
        if leaps:
            settled = Cursor(
                replace(settled.live, place=None), (*settled.spans, JournalSpan(settled.live))
            )
        self.cursor = settled
        self._live = JournalTrail(folder, settled.live, newest=leaps)
        self._old: JournalTrail | None = None
        self._frames: Iterator[tuple[list[BlockSamples], FilePlace]] | None = None
        self._progress: _Progress | None = None

    @property
    def behind(self) -> bool:
        """Whether there are more new samples to read at once."""
        return self._live.behind

    def read_new(self) -> list[BlockSamples]:
        """Return the next new samples.

        Raises
        ------
        JournalVersionError, OSError
            If the journal cannot be read.
        """
        found = self._live.read()
        live = self._live.position
        spans = self.cursor.spans
        if live.place is not None:
            spans = tuple(_begun(span, live.place) for span in spans)
        self.cursor = Cursor(live, (*spans, *found.lost))
        if not self._live.behind and not _has_journal(self._folder):
            self._go_to_files()
        return found.samples

    def read_old(self) -> list[BlockSamples]:
        """Return the next old samples; none may mean that there is nothing in this part.

        The cursor moves on when they are `old_written`.

        Raises
        ------
        JournalVersionError, OSError
            If the journal or a file cannot be read.
        """
        if not self.cursor.spans:
            return []
        match self.cursor.spans[0]:
            case JournalSpan() as span:
                return self._read_journal(span)
            case FileSpan() as span:
                return self._read_files(span)

    def old_written(self) -> None:
        """Move the cursor behind the old samples that were read last."""
        if self._progress is not None:
            left, lost = self._progress
            self.cursor = replace(self.cursor, spans=(*lost, *left, *self.cursor.spans[1:]))
        self._progress = None

    def close(self) -> None:
        """Close what is open."""
        self._live.close()
        self._end_old()

    def _go_to_files(self) -> None:
        """Take from the files what has been deleted with the journal, perhaps unread."""
        cursor = _of_files(self._folder, self.cursor)
        if cursor == self.cursor:
            return
        self.close()
        self._progress = None
        self.cursor = cursor
        self._live = JournalTrail(self._folder, cursor.live)

    def _read_journal(self, span: JournalSpan) -> list[BlockSamples]:
        trail = self._old
        if trail is None:
            trail = self._old = JournalTrail(self._folder, span.begin)
        was_there = _has_journal(self._folder)
        found = trail.read()
        # While no newer entry has come, nobody knows where they begin. When the journal is gone,
        # later segments may have gone with it, unread: `_go_to_files` follows.
        is_known = span.until is not None and was_there and _has_journal(self._folder)
        if is_known and (_is_reached(trail.position, span.until) or not trail.behind):
            self._end_old()
            self._progress = [], found.lost
        else:
            self._progress = [replace(span, begin=trail.position)], found.lost
        return found.samples

    def _read_files(self, span: FileSpan) -> list[BlockSamples]:
        if self._frames is None:
            self._frames = frames(self._folder, span)
        samples, place = next(self._frames, ([], span.until))
        if place.key >= span.until.key:
            self._end_old()
            self._progress = [], []
        else:
            begin = max(place, span.begin, key=lambda each: each.key)
            self._progress = [replace(span, begin=begin)], []
        return samples

    def _end_old(self) -> None:
        if self._old is not None:
            self._old.close()
        self._old = self._frames = None


def backlog_bytes(folder: Path, cursor: Cursor) -> int:
    """Return about how many bytes of the journal and of files a cursor leaves."""
    segments = journal.segments(journal.journal_folder(folder))
    total = 0
    if cursor.live.place is not None:
        total = _behind(segments, cursor.live.place)
    for span in cursor.spans:
        match span:
            case JournalSpan(begin) if begin.place is not None:
                total += max(0, _behind(segments, begin.place) - total)
            case FileSpan(begin, until):
                total += _between(folder, begin, until)
            case _:
                continue
    return total


def missing_journal(folder: Path) -> str:
    """Return why a data folder has no journal, and what to do; empty if it has one."""
    if _has_journal(folder):
        return ""
    cause = "no aggregator of this host records into it"
    if not folder.is_dir():
        cause = "the folder is not there"
    return (
        f"there is no journal in {folder}, so nothing is written: {cause}; correct --data-dir, or "
        "start the aggregator of this host with --initial-state record"
    )


def _has_journal(folder: Path) -> bool:
    return bool(journal.segments(journal.journal_folder(folder)))


def _of_files(folder: Path, cursor: Cursor) -> Cursor:
    """Return a cursor that begins with the oldest entry of the journal, if there is one again.

    What is gone from the journal is in files: a recorder that ends in order leaves none.
    """
    spans: list[JournalSpan | FileSpan] = []
    for span in cursor.spans:
        match span:
            case JournalSpan(begin):
                spans += _files_of(folder, begin)
            case FileSpan():
                spans.append(span)
    rest = _files_of(folder, cursor.live)
    framed = rest[-1].until if rest else cursor.live.framed
    return Cursor(Position(None, framed), (*spans, *rest))


def _files_of(folder: Path, position: Position) -> list[FileSpan]:
    """Return the part of the files that holds what was in the journal behind a position."""
    since_at = 0.0
    if position.place is not None:
        since_at = position.place.at
    return span_of_files(folder, position.framed, since_at)


def _behind(segments: list[tuple[int, Path]], place: journal.JournalPlace) -> int:
    total = 0
    for number, path in segments:
        if number >= place.segment:
            total += _size_of(path) - place.offset * (number == place.segment)
    return max(0, total)


def _between(folder: Path, begin: FilePlace, until: FilePlace) -> int:
    names = names_of_files(folder)
    inside = [name for name in names if begin.key[0] <= opened_at(name) < until.key[0]]
    total = sum(_size_of(folder / name) for name in inside) - begin.offset + until.offset
    return max(0, total)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _begun(span: JournalSpan | FileSpan, newest: journal.JournalPlace) -> JournalSpan | FileSpan:
    """Return a span that ends where the newest entries begin, now that this is known."""
    if isinstance(span, JournalSpan) and span.until is None:
        return replace(span, until=newest)
    return span


def _is_reached(position: Position, until: journal.JournalPlace | None) -> bool:
    place = position.place
    if place is None or until is None:
        return False
    return (place.segment, place.offset) >= (until.segment, until.offset)
