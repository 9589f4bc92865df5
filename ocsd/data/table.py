"""Loads chosen fields and times as arrays."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.frames.frames import ticks
from ocsd.aggregator.frames.schema import TICKS_PER_SECOND
from ocsd.data.container import NotAFrameError
from ocsd.data.decode import frame_of
from ocsd.data.folder import DataFolder, Report, permitted, silent
from ocsd.data.folders.union import split
from ocsd.data.index import FileSummary, IndexedFrame
from ocsd.data.scan import blocks_of
from ocsd.data.spans import Span, window
from ocsd.data.unframed import Columns
from ocsd.errors import NoDataError, OcsdError

_GroupKey: TypeAlias = tuple[str, frozenset[str]]
"""A feed, and the names of the blocks that a field is in."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one field."""

    values: NDArray[Any]
    """Of float64, int64, bool or, for texts, object."""
    there: NDArray[np.bool_]
    """False where the field has no value and `values` only a filler."""


@dataclass(frozen=True, slots=True)
class Table:
    """Fields of a feed that share their times."""

    feed: str
    ticks: NDArray[np.int64]
    """Ascending times in units of 10 ns, as G3 keeps them."""
    columns: Mapping[str, Column]
    """By the field's full name."""

    @property
    def samples(self) -> int:
        """Number of rows."""
        return len(self.ticks)


@dataclass(frozen=True, slots=True)
class _TablePart:
    """The rows of a table from one frame."""

    ticks: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]


def fields_of(summaries: Iterable[FileSummary]) -> dict[str, set[str]]:
    """Return the full names of all fields, and the blocks that each is in."""
    blocks: dict[str, set[str]] = defaultdict(set)
    for summary in summaries:
        for source in summary.sources:
            for block in source.blocks:
                for key in block.fields:
                    blocks[f"{source.feed}.{key}"].add(block.name)
    return dict(blocks)


def load(
    folder: DataFolder,
    summaries: Sequence[FileSummary],
    fields: Sequence[str],
    since_at: float | None = None,
    until_at: float | None = None,
    report: Report = silent,
) -> list[Table]:
    """Return the samples of `fields` with `since_at` <= time < `until_at`.

    There is a table for each group of fields with common times, in the order of `fields`,
    which are full names; times are in s [Unix time]. Of the files with `summaries` only the
    frames that are needed are read; samples of the journal are added as `folder.summaries` found
    them. `report` gets the progress.

    Raises
    ------
    NoDataError
        If there is not one sample.
    OcsdError
        If a file changed since it was listed.
    """
    span = window(since_at, until_at)
    groups = _groups(fields_of(summaries), fields)
    found = [
        _tables(part, of_part, groups, span, report) for part, of_part in split(folder, summaries)
    ]
    tables = [reduce(with_new_rows, of_group) for of_group in zip(*found, strict=True)]
    if not any(table.samples for table in tables):
        raise NoDataError(
            f"there are no samples of {', '.join(fields[:6])} in that time; `ocsd data info` says "
            "when there are"
        )
    return tables


def _tables(
    folder: DataFolder,
    summaries: Sequence[FileSummary],
    groups: Mapping[_GroupKey, list[str]],
    span: Span,
    report: Report,
) -> list[Table]:
    """Return the table of each group from one folder; it may have no rows."""
    unframed: Sequence[Columns] = getattr(folder.unframed, "columns", ())
    parts: dict[_GroupKey, list[_TablePart]] = defaultdict(list)
    for feed, frame in _frames(folder, summaries, {feed for feed, _ in groups}, span, report):
        for key, wanted in _of_feed(groups, feed):
            parts[key] += _parts(frame, feed, wanted)
    for columns in unframed:
        for key, wanted in _of_feed(groups, columns.feed):
            parts[key] += _waiting(columns, wanted)
    # Each part is freed as soon as its table is made: all parts are as large as the result.
    return [_table(key[0], parts.pop(key, []), wanted, span) for key, wanted in groups.items()]


def with_new_rows(first: Table, second: Table) -> Table:
    """Return the rows of both tables of one group, from two folders, in the order of time.

    A row of the second that the first has as well is left out: two recorders had both recorded it.
    Rows that one table has several times are kept so.
    """
    if not second.samples or not first.samples:
        return first if first.samples else second
    new = ~_repeated(first, second)
    ticks = np.concatenate([first.ticks, second.ticks[new]])
    order = np.argsort(ticks, kind="stable")
    columns = {
        name: Column(
            np.concatenate([column.values, second.columns[name].values[new]])[order],
            np.concatenate([column.there, second.columns[name].there[new]])[order],
        )
        for name, column in first.columns.items()
    }
    return Table(first.feed, ticks[order], columns)


def _repeated(first: Table, second: Table) -> NDArray[np.bool_]:
    """Return which rows of the second table are in the first one, by times and values."""
    begin = np.searchsorted(first.ticks, second.ticks, side="left")
    count = np.searchsorted(first.ticks, second.ticks, side="right") - begin
    found = np.zeros(second.samples, dtype=bool)
    for step in range(int(count.max(initial=0))):
        rows = np.flatnonzero(~found & (count > step))
        same = np.ones(len(rows), dtype=bool)
        for name, column in first.columns.items():
            same &= _same(column, begin[rows] + step, second.columns[name], rows)
        found[rows[same]] = True
    return found


def _same(
    first: Column, first_rows: NDArray[np.intp], second: Column, second_rows: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return which cells are equal: two NaN are, and so are two that are missing."""
    left, right = first.values[first_rows], second.values[second_rows]
    equal = np.asarray(left == right, dtype=bool) | np.asarray((left != left) & (right != right))
    there = first.there[first_rows], second.there[second_rows]
    alike: NDArray[np.bool_] = np.where(there[0] & there[1], equal, there[0] == there[1])
    return alike


def _groups(blocks: Mapping[str, set[str]], fields: Sequence[str]) -> dict[_GroupKey, list[str]]:
    """Return the fields by their feed and blocks: fields of a group share their times."""
    groups: dict[_GroupKey, list[str]] = defaultdict(list)
    for name in fields:
        groups[name.rpartition(".")[0], frozenset(blocks[name])].append(name)
    return groups


def _of_feed(
    groups: Mapping[_GroupKey, list[str]], feed: str
) -> Iterator[tuple[_GroupKey, list[str]]]:
    return ((key, wanted) for key, wanted in groups.items() if key[0] == feed)


def _frames(
    folder: DataFolder,
    summaries: Sequence[FileSummary],
    feeds: set[str],
    span: Span,
    report: Report,
) -> Iterator[tuple[str, Any]]:
    """Yield the frames of `feeds` that reach into `span`, each with its feed."""
    needed = {
        folder.path / summary.name: frames
        for summary in summaries
        if (frames := sorted(_needed(summary, feeds, span)))
    }
    done, work = 0, sum(frame.length for frames in needed.values() for frame, _ in frames)
    for path, frames in needed.items():
        with permitted(path), path.open("rb") as file:
            for frame, feed in frames:
                file.seek(frame.offset)
                try:
                    yield feed, frame_of(file.read(frame.length))
                except NotAFrameError as error:
                    raise OcsdError(
                        f"{path} has changed: no frame at byte {frame.offset}; check it with: "
                        "ocsd data verify"
                    ) from error
                done += frame.length
                report(done, work)


def _needed(
    summary: FileSummary, feeds: set[str], span: Span
) -> Iterator[tuple[IndexedFrame, str]]:
    for source in summary.sources:
        if source.feed in feeds:
            for frame in source.frames:
                if frame.from_at < span[1] and frame.until_at >= span[0]:
                    yield frame, source.feed


def _parts(frame: Any, feed: str, wanted: Sequence[str]) -> Iterator[_TablePart]:
    for _name, block in blocks_of(frame):
        there = set(block.keys())
        keys = {name: key for name in wanted if (key := name[len(feed) + 1 :]) in there}
        if keys:
            times = np.array(block.times, dtype=np.int64)
            yield _TablePart(times, {name: _array(block[key]) for name, key in keys.items()})


def _waiting(columns: Columns, wanted: Sequence[str]) -> Iterator[_TablePart]:
    """Yield the rows of samples that are in no frame yet."""
    begin = len(columns.feed) + 1
    keys = {name: name[begin:] for name in wanted if name[begin:] in columns.kinds}
    if keys:
        times = ticks(np.asarray(columns.values[""]))
        yield _TablePart(times, {name: _array(columns.values[key]) for name, key in keys.items()})


def _array(vector: Any) -> NDArray[Any]:
    values = np.array(vector)
    if values.dtype.kind == "U":
        return values.astype(object)
    return values


def _table(feed: str, parts: Sequence[_TablePart], wanted: Sequence[str], span: Span) -> Table:
    empty = np.zeros(0, dtype=np.int64)
    ticks = np.concatenate([empty, *(part.ticks for part in parts)])
    # A file may hold messages that were fetched late; samples of one time keep their order.
    order = np.argsort(ticks, kind="stable")
    times = ticks[order] / TICKS_PER_SECOND
    order = order[(times >= span[0]) & (times < span[1])]
    columns = {name: _column(name, parts, order) for name in wanted}
    return Table(feed, ticks[order], columns)


def _column(name: str, parts: Sequence[_TablePart], order: NDArray[np.intp]) -> Column:
    sizes = [len(part.ticks) for part in parts]
    ends = np.cumsum([0, *sizes])
    dtypes = [part.columns[name].dtype for part in parts if name in part.columns]
    values = np.zeros(ends[-1], dtype=np.result_type(*dtypes or [np.dtype(np.float64)]))
    there = np.zeros(ends[-1], dtype=bool)
    for part, (begin, end) in zip(parts, pairwise(ends), strict=True):
        if name in part.columns:
            values[begin:end] = part.columns[name]
            there[begin:end] = True
    return Column(values[order], there[order])
