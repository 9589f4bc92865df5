"""A data folder that is kept open."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ocsd.data import unframed
from ocsd.data.archive.answer import FieldWindow, Window, field_window
from ocsd.data.archive.holes import holes, silences
from ocsd.data.archive.listing import Listing
from ocsd.data.archive.pieces import (
    Level,
    Wanted,
    changes_in,
    of_node,
    texts_of_node,
)
from ocsd.data.archive.samples import Part, waiting
from ocsd.data.archive.store import Store
from ocsd.data.archive.tree import Node, Tree
from ocsd.data.folder import REACH_S, DataFolder
from ocsd.data.index import FileSummary
from ocsd.data.names import choose
from ocsd.data.overview import FeedOverview, feeds
from ocsd.data.spans import LONGEST_WRITING_S
from ocsd.data.trend.levels import column_s, tick_of
from ocsd.data.trend.places import TrendPlaces
from ocsd.errors import OcsdError, UsageError

MOST_COLUMNS: Final = 100_000
"""Most columns of a window: more than any screen has, and 4 MB a field."""

MOST_FIELDS: Final = 500
"""Most fields of a window."""

FARTHEST_S: Final = 9e10
"""G3 has no times farther from 1970 than this [s]."""

_TRIES: Final = 3


class Archive:
    """A data folder that is kept open, for windows of its fields over any time.

    It keeps what it has read last, at most about 100 MB, and notices new files by itself. It is
    for one thread at a time.

    Parameters
    ----------
    folder : Path
        The data folder.
    state : Path, optional
        Folder for trends if this user may not write into the data folder; by default the user's
        cache folder.
    clock : callable
        Returns the present [s, Unix time].

    Raises
    ------
    NoDataError
        If there is no such folder.
    NotPermittedError
        If this user may not read it.
    """

    def __init__(
        self, folder: Path, state: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = DataFolder(folder, clock)
        self._clock = clock
        self._listing = Listing(folder, clock)
        self._tree = Tree()
        self.places = TrendPlaces(folder, state)
        self.store = Store(self._folder, self.places)
        self._groups: list[Node] = []
        self._unframed: unframed.UnframedRows | None = None
        self._journal = unframed.UnframedReader(folder)
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
            At most as many columns are answered for each field, at least half as many unless
            there are single samples: at most twice as many of these.

        Returns
        -------
        Window

        Raises
        ------
        UsageError
            If the time has no length, `columns` is not from 1 to 100,000, or an ending belongs to
            several fields.
        NoDataError
            If there is no such field, or the folder is gone.
        NotPermittedError, OcsdError
            If a file cannot be read.
        """
        check(since, until, columns)
        for attempt in range(_TRIES):
            self.refresh()
            try:
                return self._window(fields, since, until, columns)
            except OcsdError:
                # A file was removed, moved or replaced after it was listed.
                if attempt == _TRIES - 1 or not self._has_changed():
                    raise
        raise AssertionError("unreachable")

    def fields(self) -> dict[str, set[str]]:
        """Return the full names of all fields, each with its types.

        A type is ``float``, ``int``, ``bool`` or ``str``.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder or a file cannot be read.
        """
        self.refresh()
        return _fields(self._digests())

    def feeds(self) -> list[FeedOverview]:
        """Return an overview of each feed: fields, units, labels, first and last time.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder or a file cannot be read.
        """
        self.refresh()
        return feeds(self._digests())

    def refresh(self) -> None:
        """Read what is new: the journal, then the names of files, then the newest file.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If the folder or a file cannot be read.
        """
        self._read_at = self._clock()
        self._read_journal()
        self._listing.refresh()
        limits = self._limits()
        folders = {
            name: tuple(file for file in files if limits.get(file.name) != _UNKNOWN)
            for name, files in self._listing.folders.items()
        }
        limits = {name: limit for name, limit in limits.items() if limit != _UNKNOWN}
        self._groups = self._tree.groups(folders, set(limits), self._read_at)
        self.store.advance(self._groups, limits)

    def missing(self, since: float = -FARTHEST_S, until: float = FARTHEST_S) -> list[Node]:
        """Return what has no trend yet, smaller parts first.

        A window of this time [s, Unix time] takes longer as long as there are any.
        """
        nodes = [
            node for node in _all(self._groups) if node.closed and _may_reach(node, since, until)
        ]
        missing = [node for node in nodes if not self.places.has(node.name, node.key)]
        return sorted(missing, key=lambda node: (node.tier, node.name))

    def _window(self, fields: Sequence[str], since: float, until: float, columns: int) -> Window:
        self._index(since, until)
        digests = self._digests()
        names = choose(fields, _fields(digests))
        if len(names) > MOST_FIELDS:
            raise UsageError(
                f"{len(names)} fields are more than the {MOST_FIELDS} of one window; ask for fewer"
            )
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
        cut_off = self._folder.cut_off(since, until)
        return Window(
            since,
            until,
            length_s,
            {name: found[name] for name in names},
            holes(digests, cut_off, feeds, (since, until), self._read_at),
            self._read_at,
            sum(len(self.store.unread(folder)) for folder in self._folders()),
        )

    def _field(
        self,
        digests: Sequence[FileSummary],
        wanted: Wanted,
        key: str,
        pieces: Sequence[Level | Part],
        columns: int,
    ) -> FieldWindow:
        span = wanted.begin, wanted.end
        texts: list[Any] = []
        if "str" in _kinds(digests, wanted.feed, key):
            for group in self._groups:
                texts += texts_of_node(self.store, group, wanted, key)
            texts += [changes_in(part, key) for part in self._waiting(wanted)]
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
        found = [summary for group in self._groups for summary in self.store.digest(group)]
        if self._unframed is not None:
            found += filter(None, [self._unframed.summary()])
        return found

    def _index(self, since: float, until: float) -> None:
        """Read the files that can have samples of a time and are in no index yet."""
        for folder in self._folders():
            wanted = [node for node in self.store.unread(folder) if _may_reach(node, since, until)]
            if wanted:
                self.store.index(folder, wanted)

    def _folders(self) -> Iterator[Node]:
        return (folder for group in self._groups for folder in group.children)

    def _read_journal(self) -> None:
        self._unframed = self._journal.read(self._read_at)

    def _limits(self) -> dict[str, Any]:
        """Return the files that are being written, with the byte up to which each counts."""
        limits: dict[str, Any] = {}
        newest = self._listing.newest()
        if newest and self._read_at - newest.opened_at < LONGEST_WRITING_S:
            limits[newest.name] = None
        if self._unframed is None:
            return limits
        ends = self._unframed.ends
        for files in self._listing.folders.values():
            for file in files:
                end = ends.get(file.name)
                if end is not None and (file.name in limits or end < file.size_bytes):
                    limits[file.name] = end
                elif end is None and file.opened_at + 1 > self._unframed.read_at:
                    limits[file.name] = _UNKNOWN
        return limits

    def _has_changed(self) -> bool:
        before = [group.key for group in self._groups]
        self.refresh()
        return before != [group.key for group in self._groups]


_UNKNOWN: Final = -1
"""The limit of a file that is younger than what is known of the journal: it is left out."""


def check(since: float, until: float, columns: int) -> None:
    """Check what a window is asked for.

    Raises
    ------
    UsageError
        If the time has no length or no such times exist, or there are too few or many columns.
    """
    for name, at in (("since", since), ("until", until)):
        if not math.isfinite(at) or abs(at) > FARTHEST_S:
            raise UsageError(
                f"{name}={at!r} is no time of a recording; write Unix time in seconds, "
                "e.g. 1795328225.5"
            )
    if until <= since:
        raise UsageError(
            f"until={until!r} is not later than since={since!r}, so there is no time between them"
        )
    if not 1 <= columns <= MOST_COLUMNS:
        raise UsageError(
            f"columns={columns} is not from 1 to {MOST_COLUMNS}; a screen has some 2,000"
        )


def _all(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(node.children)


def _may_reach(node: Node, since: float, until: float) -> bool:
    """Return whether the names of files say that they may have samples of a time."""
    return any(
        file.opened_at - REACH_S <= until and since <= file.opened_at + LONGEST_WRITING_S + REACH_S
        for file in (node.files[0], node.files[-1], *node.files)
    )


def _fields(summaries: Sequence[FileSummary]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for summary in summaries:
        for source in summary.sources:
            for block in source.blocks:
                for key, kind in block.fields.items():
                    found.setdefault(f"{source.feed}.{key}", set()).add(kind)
    return found


def _kinds(summaries: Sequence[FileSummary], feed: str, key: str) -> set[str]:
    return {
        block.fields[key]
        for summary in summaries
        for source in summary.sources
        if source.feed == feed
        for block in source.blocks
        if key in block.fields
    }


def _of_field(pieces: Sequence[Level | Part], key: str) -> Iterator[Level | Part]:
    """Yield the pieces that have a field; bins without the others."""
    for piece in pieces:
        if isinstance(piece, Level):
            if key in piece.names:
                yield piece.of(key)
        elif key in piece.columns:
            yield piece
