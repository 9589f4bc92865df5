"""A data folder that is kept open."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from ocsd.data import overview, unframed
from ocsd.data.archive.answer import FieldWindow, Window, field_window
from ocsd.data.archive.bounds import FARTHEST_FROM_1970_S, check_number, check_span
from ocsd.data.archive.changing import changes_of
from ocsd.data.archive.holes import holes, silences
from ocsd.data.archive.listing import Listing, SourceFile
from ocsd.data.archive.pieces import Level, Wanted, of_node
from ocsd.data.archive.samples import Part, waiting
from ocsd.data.archive.store import Store
from ocsd.data.archive.tree import Node, Tree
from ocsd.data.folder import REACH_S, DataFolder
from ocsd.data.index import FileSummary
from ocsd.data.names import choose
from ocsd.data.overview import FeedOverview
from ocsd.data.spans import LONGEST_WRITING_S
from ocsd.data.spans import window as time_span
from ocsd.data.trend.digest import all_blocks
from ocsd.data.trend.levels import column_s, tick_of
from ocsd.data.trend.places import TrendPlaces
from ocsd.data.trend.texts import Change
from ocsd.errors import NoDataError, OcsdError

_TRIES_OF_WINDOW: Final = 3

T = TypeVar("T")


class Archive:
    """A data folder that is kept open, for windows of its fields over any time.

    It notices new files by itself. It keeps the samples that it read last, at most 64 MB, and the
    heads of the trends: of a year of 9,000 files, another 30 MB. It is for one thread at a time.

    Parameters
    ----------
    folder : Path
        The data folder.
    state : Path, optional
        Folder for trends if this user may not write into the data folder; by default the user's
        cache folder.
    clock : callable
        Returns the present [s, Unix time].
    newest_only : bool
        Of the samples that wait in the journal for a file, know the newest block of each source
        only. That is enough for names, and to make trends; the others may take much memory.

    Raises
    ------
    NoDataError
        If there is no such folder.
    NotPermittedError
        If this user may not read it.
    """

    def __init__(
        self,
        folder: Path,
        state: Path | None = None,
        clock: Callable[[], float] = time.time,
        newest_only: bool = False,
    ) -> None:
        self._folder = DataFolder(folder, clock)
        self._clock = clock
        self._listing = Listing(folder, clock)
        self._tree = Tree()
        self.places = TrendPlaces(folder, state)
        self.store = Store(self._folder, self.places)
        self._groups: list[Node] = []
        self._known: list[FileSummary] | None = None
        self._unframed: unframed.UnframedRows | None = None
        self._journal = unframed.UnframedReader(folder, newest_only)
        self._read_at = clock()

    def window(
        self, fields: Sequence[str], since: float, until: float, columns: int = 2000
    ) -> Window:
        """Return fields over a time, in columns.

        Parameters
        ----------
        fields : sequence of str
            Full names, shell patterns of them, or unique endings, as `ocsd data plot` takes them.
        since, until : float
            Samples with `since` <= time < `until` [s, Unix time].
        columns : int
            At most as many columns are answered for each field (or two, if it is 1), at least half
            as many unless there are single samples: at most twice as many of these.

        Returns
        -------
        Window

        Raises
        ------
        UsageError
            If the time has no length, `columns` is not from 1 to 100,000, all fields together
            would have more than 4,000,000 of them, or an ending belongs to several fields.
        NoDataError
            If there is no such field, or the folder is gone.
        NotPermittedError, OcsdError
            If a file cannot be read.
        """
        check_span(since, until, columns)
        return self._answered(lambda: self._window(fields, since, until, columns))

    def feeds(self, since: float | None = None, until: float | None = None) -> list[FeedOverview]:
        """Return the feeds with samples of a time [s, Unix time], with their fields and times.

        Of files that were never read, those that can have samples of the time are read first.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder or a file cannot be read.
        """

        def listed() -> list[FeedOverview]:
            self._index(*time_span(since, until))
            return overview.feeds(self._digests(), since, until)

        return self._answered(listed)

    def known_feeds(self) -> list[FeedOverview]:
        """Return the feeds of the files that were read so far; see `unread`.

        `feeds` reads all files first, which takes hours if there are years that nobody has read.
        This reads one at most, if no feed is known.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder or a file cannot be read.
        """

        def listed() -> list[FeedOverview]:
            self._index_newest(read=not _fields(self._digests()))
            return overview.feeds(self._digests())

        return self._answered(listed)

    @property
    def unread(self) -> int:
        """Number of files that were never read."""
        return sum(len(files) for _, files in self._unread())

    def refresh(self) -> None:
        """Read what is new: the journal, then the names of files, then the newest file.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder or a file cannot be read.
        """
        self._known = None
        self._read_at = self._clock()
        self._read_journal()
        self._listing.refresh()
        limits = self._limits()
        folders = self._listing.folders
        for name in [name for name, limit in limits.items() if limit == _NOT_YET]:
            del limits[name]
            folder = name.partition("/")[0]
            folders[folder] = tuple(file for file in folders[folder] if file.name != name)
        self._groups = self._tree.groups(folders, set(limits), self._read_at)
        self.store.advance(self._groups, limits)

    def missing(
        self, since: float = -FARTHEST_FROM_1970_S, until: float = FARTHEST_FROM_1970_S
    ) -> list[Node]:
        """Return what has no trend yet and can have samples of a time [s, Unix time].

        A window of this time takes longer as long as there are any. What is in a folder or group
        that has its trend is not examined.
        """
        return [*self._missing(self._groups, since, until)]

    def _missing(self, nodes: Sequence[Node], since: float, until: float) -> Iterator[Node]:
        for node in nodes:
            if not _may_reach(node, since, until):
                continue
            if not (node.closed and self.places.has(node.name, node.key)):
                if node.closed:
                    yield node
                yield from self._missing(node.children, since, until)

    def _answered(self, work: Callable[[], T]) -> T:
        """Return the result of some work, done again if files were changed meanwhile."""
        try:
            for _ in range(_TRIES_OF_WINDOW):
                self.refresh()
                try:
                    return self.store.sound(work)
                except OcsdError:
                    # A file may have been removed, moved or replaced after it was listed.
                    if not self._has_changed():
                        raise
            return self.store.sound(work)
        finally:
            self.store.save()

    def _window(self, fields: Sequence[str], since: float, until: float, columns: int) -> Window:
        self._index(since, until)
        names = self._choose(fields)
        digests = self._digests()
        check_number(names, columns)
        length_s = column_s(since, until, columns)
        span = tick_of(since), tick_of(until)
        found = {}
        feeds = {name.rpartition(".")[0] for name in names}
        for feed in sorted(feeds):
            keys = [name[len(feed) + 1 :] for name in names if name.rpartition(".")[0] == feed]
            wanted = Wanted(feed, tuple(keys), *span, length_s)
            pieces = list(self._pieces(wanted))
            for key in keys:
                found[f"{feed}.{key}"] = self._field(digests, wanted, key, pieces, columns)
        return Window(
            since,
            until,
            length_s,
            {name: found[name] for name in names},
            holes(digests, self._listing.cut_off, feeds, (since, until), self._read_at),
            self._read_at,
            self.unread,
        )

    def _choose(self, fields: Sequence[str]) -> list[str]:
        """Return the full names of fields; before one is unknown, the newest file is read."""
        try:
            return choose(fields, _fields(self._digests()))
        except NoDataError:
            if not self._index_newest(read=True):
                raise
        when = " in the files that were read so far; `ocsd data trend` reads all"
        return choose(fields, _fields(self._digests()), when)

    def _field(
        self,
        digests: Sequence[FileSummary],
        wanted: Wanted,
        key: str,
        pieces: Sequence[Level | Part],
        columns: int,
    ) -> FieldWindow:
        span = wanted.begin, wanted.end
        texts: list[list[Change]] = []
        if "str" in _kinds(digests, wanted.feed, key):
            waiting = [*self._waiting(wanted)]
            texts = changes_of(self.store, self._groups, waiting, wanted, key)
        return field_window(
            key,
            [*_of_field(pieces, key)],
            texts,
            silences(digests, wanted.feed, key, wanted.span),
            span,
            wanted.column_s,
            columns,
        )

    def _pieces(self, wanted: Wanted) -> Iterator[Level | Part]:
        for group in self._groups:
            yield from of_node(self.store, group, wanted)
        yield from self._waiting(wanted)

    def _waiting(self, wanted: Wanted) -> Iterator[Part]:
        if self._unframed is not None:
            columns = self._unframed.of(wanted.feed, wanted.names)
            yield from waiting(columns, wanted.feed, wanted.names, wanted.begin, wanted.end)

    def _digests(self) -> list[FileSummary]:
        """Return the summaries of all files that were read, and of the journal, as few."""
        if self._known is None:
            self._known = self._new_digests()
        return self._known

    def _new_digests(self) -> list[FileSummary]:
        found = [summary for group in self._groups for summary in self.store.digest(group)]
        if self._unframed is not None:
            found += filter(None, [self._unframed.summary()])
        return found

    def _index(self, since: float, until: float) -> None:
        """Read the files that can have samples of a time and are in no index yet."""
        for folder, files in self._unread():
            wanted = [node for node in files if _may_reach(node, since, until)]
            if wanted:
                self.store.index(folder, wanted)
                self._known = None

    def _index_newest(self, *, read: bool) -> bool:
        """Take in what others have read of the newest folder with unread files; False if none has.

        With `read` its newest one is read.
        """
        unread = self._unread()
        if not unread:
            return False
        folder, files = unread[-1]
        self.store.index(folder, files, read=False)
        if read:
            self.store.index(folder, files[-1:])
        self._known = None
        return True

    def _unread(self) -> list[tuple[Node, list[Node]]]:
        return [each for group in self._groups for each in self.store.unread(group)]

    def _read_journal(self) -> None:
        self._unframed = self._journal.read(self._read_at)

    def _limits(self) -> dict[str, int | None]:
        """Return the files that are being written, with the byte up to which each counts."""
        limits: dict[str, int | None] = {}
        newest = self._listing.newest()
        if newest and self._read_at - newest.opened_at < LONGEST_WRITING_S:
            limits[newest.name] = None
        if self._unframed is not None:
            for file in self._listing.recent(self._unframed.ends):
                limit = _limit(file, self._unframed)
                if limit is not None and (file.name in limits or limit < file.size_bytes):
                    limits[file.name] = limit
        return limits

    def _has_changed(self) -> bool:
        before = [group.key for group in self._groups]
        self.refresh()
        return before != [group.key for group in self._groups]


_NOT_YET: Final = -1
"""The limit of a file that is younger than what is known of the journal: it is left out."""


def _limit(file: SourceFile, journal: unframed.UnframedRows) -> int | None:
    """Return the byte up to which a file counts by the journal; None if it does not say."""
    end = journal.ends.get(file.name)
    if end is None and file.opened_at + 1 > journal.read_at:
        return _NOT_YET
    return end


def _may_reach(node: Node, since: float, until: float) -> bool:
    """Return whether the names of files say that they may have samples of a time."""
    return any(
        file.opened_at - REACH_S <= until and since <= file.opened_at + LONGEST_WRITING_S + REACH_S
        for file in node.files
    )


def _fields(summaries: Sequence[FileSummary]) -> dict[str, None]:
    """Return the full names of all fields."""
    found: dict[str, None] = {}
    for source, block in all_blocks(summaries):
        found |= dict.fromkeys(f"{source.feed}.{key}" for key in block.fields)
    return found


def _kinds(summaries: Sequence[FileSummary], feed: str, key: str) -> set[str]:
    return {
        block.fields[key]
        for source, block in all_blocks(summaries)
        if source.feed == feed and key in block.fields
    }


def _of_field(pieces: Sequence[Level | Part], key: str) -> Iterator[Level | Part]:
    """Yield the pieces that have a field; bins without the others."""
    for piece in pieces:
        if isinstance(piece, Level):
            if key in piece.names:
                yield piece.of(key)
        elif key in piece.columns:
            yield piece


def window(
    folder: Path, fields: Sequence[str], since: float, until: float, columns: int = 2000
) -> Window:
    """Return fields of a data folder over a time, in columns.

    It is `Archive.window`, with the same arguments and errors, for a single question. Whoever
    asks again keeps an `Archive`.
    """
    return Archive(folder).window(fields, since, until, columns)
