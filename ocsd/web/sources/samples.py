"""Recorded data of the host: fields, and windows of them. Everything here runs in threads."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred

from ocsd.data.gaps import Gap
from ocsd.data.overview import FeedOverview
from ocsd.errors import NoDataError, NotPermittedError, OcsdError
from ocsd.web.refusals import AwayError, MissingError, RequestRefusedError
from ocsd.web.work import Work

TEXT_KIND, TEXT_SHOWN = "str", "text"
MOST_COLUMNS_IN_ALL: Final = 500_000
"""Columns of all fields of a window: some 40 MB of text."""
_NO_AGGREGATOR: Final = "this host has no aggregator, so nothing is recorded here"
MOST_READS_WAITING: Final = 64
"""Requests that may wait for one thread."""
FEEDS_LIFE_S: Final = 5.0
"""Time for which the list of feeds, with units and labels, is not read again [s]."""


class Samples:
    """The data folder of the host's aggregator.

    Parameters
    ----------
    folder : Path or None
        The folder; None if the host has no aggregator. It may come later, or go.
    state : Path
        Place of trends, if this user may not write into the folder.
    newest_only : bool
        Do without the samples that wait for a file, but for the newest ones: they take memory.
    """

    def __init__(self, folder: Path | None, state: Path, newest_only: bool = False) -> None:
        self._folder = folder
        self._state = state
        self._newest_only = newest_only
        self._archive: Any = None
        self._feeds: dict[str, FeedOverview] = {}
        self._feeds_read_s = -inf

    def fields(self, search: str, limit: int, *, one_each: bool = False) -> dict[str, Any]:
        """Return the recorded fields with all words of `search` in their names or labels.

        With `one_each` only one of each instance: of numbers, with the newest sample. Those that
        only unread files have are missing; `unread` is the number of such files.

        Raises
        ------
        MissingError, AwayError, RequestRefusedError
            If the folder cannot be read.
        """
        nothing = {"fields": [], "total": 0, "unread": 0}
        if self._folder is None:
            return {**nothing, "why_none": _NO_AGGREGATOR}
        if not self._folder.is_dir():
            why = f"the data folder {self._folder} is not there; the aggregator makes it"
            return {**nothing, "why_none": why}
        with self._open() as archive:
            feeds, unread = self._fresh_feeds(archive), archive.unread
        rows = [row for feed in feeds.values() for row in _rows(feed)]
        found = [row for row in rows if has_words(search, row["field"], row["label"])]
        if one_each:
            found = _newest_of_each(found)
        return {"fields": found[:limit], "total": len(found), "unread": unread}

    def window(
        self, fields: Sequence[str], since_at: float, until_at: float, columns: int
    ) -> dict[str, Any]:
        """Return fields over a time, as `GET window` answers.

        Raises
        ------
        MissingError, AwayError, RequestRefusedError
            If there is no such field, or the folder cannot be read.
        """
        with self._open() as archive:
            found = archive.window(fields, since_at, until_at, columns)
            _check_size(found.fields.values())
            feeds = self._fresh_feeds(archive)
            if not {name.rpartition(".")[0] for name in found.fields} <= feeds.keys():
                # Those of this time, of which nothing was read before.
                feeds = _by_address(archive.feeds(since_at, until_at))
        return {
            "since": since_at,
            "until": until_at,
            "read_at": found.read_at,
            "unread": found.unread,
            "column_s": found.column_s,
            "fields": {
                name: {**_field(field), **_meaning(feeds.get(name.rpartition(".")[0]), name)}
                for name, field in found.fields.items()
            },
            "holes": [_hole(gap) for gap in found.holes],
        }

    def chosen(self, fields: Sequence[str]) -> list[str]:
        """Return the full names of fields that are written as people do.

        Those that are not recorded yet stay as they are.
        """
        from ocsd.data.names import choose

        if self._folder is None or not self._folder.is_dir():
            return list(fields)
        with self._open() as archive:
            feeds = self._fresh_feeds(archive).values()
        known = [name for feed in feeds for name in feed.fields]
        names = []
        for field in fields:
            try:
                names += choose([field], known)
            except NoDataError:
                names.append(field)
        return list(dict.fromkeys(names))

    def _fresh_feeds(self, archive: Any) -> Mapping[str, FeedOverview]:
        """Return the overview of each feed, by address, of the last seconds."""
        if not self._is_fresh:
            self._feeds = _by_address(archive.known_feeds())
            self._feeds_read_s = time.monotonic()
        return self._feeds

    @property
    def _is_fresh(self) -> bool:
        return time.monotonic() - self._feeds_read_s <= FEEDS_LIFE_S

    @contextmanager
    def _open(self) -> Iterator[Any]:
        """Yield the archive."""
        if self._folder is None:
            raise MissingError(_NO_AGGREGATOR)
        with explaining():
            if self._archive is None:
                self._archive = opened(self._folder, self._state, self._newest_only)
            yield self._archive


class SamplesThread:
    """The data folder, read in a thread of its own: what is slow here holds up nobody else.

    Parameters
    ----------
    samples : Samples
        Nobody else uses this object.
    purpose : str
        The work, for the refusal.
    """

    def __init__(self, reactor: Any, samples: Samples, purpose: str) -> None:
        self._samples = samples
        self._work = Work(reactor, purpose, threads=1, waiting=MOST_READS_WAITING)

    def do(self, read: Callable[[Samples], Any]) -> "Deferred[Any]":
        """Call `read` in the thread; the Deferred fires with its result.

        Raises
        ------
        BusyError
            If too many calls wait already.
        """
        return self._work.do(read, self._samples)


def opened(folder: Path, state: Path, newest_only: bool) -> Any:
    """Return an archive; its libraries are loaded here, for they take a second."""
    from ocsd.data.archive.archive import Archive

    return Archive(folder, state, newest_only=newest_only)


@contextmanager
def explaining() -> Iterator[None]:
    """Turn errors of the data folder into refusals."""
    try:
        yield
    except RequestRefusedError:
        raise
    except NoDataError as error:
        raise MissingError(str(error)) from error
    except (NotPermittedError, OSError) as error:
        raise AwayError(str(error)) from error
    except OcsdError as error:
        raise RequestRefusedError(str(error)) from error


def _check_size(fields: Iterable[Any]) -> None:
    points = sum(len(field.t) + len(field.changes or ()) for field in fields)
    if points > MOST_COLUMNS_IN_ALL:
        raise RequestRefusedError(
            f"the answer would have {points:,} columns in all, and may have "
            f"{MOST_COLUMNS_IN_ALL:,}; ask for fewer fields, or fewer columns of each"
        )


def _by_address(feeds: Sequence[FeedOverview]) -> dict[str, FeedOverview]:
    return {feed.feed: feed for feed in feeds}


def _rows(feed: FeedOverview) -> Iterator[dict[str, Any]]:
    newest: dict[str, float] = {}
    for block in feed.blocks:
        for key in block.fields:
            name = f"{feed.feed}.{key}"
            newest[name] = max([newest.get(name, 0.0), *(end for _, end in block.spans)])
    for name, kind in feed.fields.items():
        yield {
            "field": name,
            "instance_id": instance_of(feed.feed),
            "feed": feed.feed,
            "name": name[len(feed.feed) + 1 :],
            "kind": {TEXT_KIND: TEXT_SHOWN}.get(kind, "number"),
            "newest_at": newest[name] or None,
            **_meaning(feed, name),
        }


def instance_of(feed: str) -> str:
    """Return the instance-id in the address of a feed."""
    return feed.partition(".feeds.")[0].rpartition(".")[2]


def _meaning(feed: FeedOverview | None, name: str) -> dict[str, Any]:
    if feed is None:
        return {"units": None, "label": None}
    return {"units": feed.units.get(name), "label": feed.labels.get(name)}


def has_words(search: str, name: str, label: str | None) -> bool:
    """Return whether all words of a search are in the name or label of a field."""
    text = f"{name} {label or ''}".lower()
    return all(word in text for word in search.lower().split())


def _newest_of_each(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row of each instance: of numbers, with the newest sample."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        best = found.get(row["instance_id"], row)
        if row["kind"] != TEXT_SHOWN and (row["newest_at"] or 0) >= (best["newest_at"] or 0):
            found[row["instance_id"]] = row
    return [*found.values()]


def _field(field: Any) -> dict[str, Any]:
    return {
        "t": field.t.tolist(),
        "n": field.n.tolist(),
        "n_nan": field.n_nan.tolist(),
        "min": numbers(field.min),
        "max": numbers(field.max),
        "mean": numbers(field.mean),
        "raw": field.raw,
        "breaks": field.breaks.tolist(),
        "changes": field.changes,
    }


def numbers(values: NDArray[Any]) -> list[Any]:
    """Return values as a list, those that are no finite number as None."""
    listed: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        for index in np.flatnonzero(~np.isfinite(values)).tolist():
            listed[index] = None
    return listed


def _hole(gap: Gap) -> dict[str, Any]:
    return {
        "feed": gap.feed,
        "since_at": gap.from_at,
        "until_at": gap.until_at,
        "cause": gap.cause,
        "count": gap.count,
        "estimated": gap.estimated,
    }
