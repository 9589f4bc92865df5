"""The answer for a window: columns, or single samples, of each field. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocsd.data.archive.pieces import Level
from ocsd.data.archive.samples import Part
from ocsd.data.decode import seconds
from ocsd.data.gaps import Gap
from ocsd.data.spans import Span
from ocsd.data.trend.bins import Bins, Stack, binned, mean, merged
from ocsd.data.trend.levels import ticks_of
from ocsd.data.trend.texts import Change, joined, real

SAMPLES_OF_COLUMN: Final = 2
"""Single samples are answered if there are at most as many of them for each column asked for."""


@dataclass(frozen=True, slots=True)
class FieldWindow:
    """A field over a time: columns, of which those without samples are left out, or samples."""

    t: NDArray[np.float64]
    """Centre of each column, or time of each sample [s, Unix time], ascending, shape (k,)."""
    n: NDArray[np.int64]
    """Number of samples, shape (k,)."""
    n_nan: NDArray[np.int64]
    """Number of those that are no numbers: NaN, or texts; shape (k,)."""
    min: NDArray[Any]
    max: NDArray[Any]
    """Least and greatest, of float64, or int64 if all are whole numbers; shape (k,)."""
    mean: NDArray[np.float64]
    """Mean of those that are numbers; NaN if there are none, shape (k,)."""
    raw: bool
    """Whether each element is a single sample."""
    breaks: NDArray[np.int64]
    """Indices before which a line through the elements is broken by a silence."""
    changes: list[tuple[float, str]] | None
    """Of a text field: each time [s, Unix time] and the text from then on, else None.

    The first may be before the time that was asked for. If they are more than the columns that
    were asked for, only the last one in each column is there.
    """


@dataclass(frozen=True, slots=True)
class Window:
    """Fields over a time."""

    since: float
    until: float
    """The time that was asked for [s, Unix time]: samples with since <= time < until."""
    column_s: float
    """Length of the columns [s], a power of two. They begin at multiples of it."""
    fields: dict[str, FieldWindow]
    """By full name."""
    holes: list[Gap]
    """The missing data of the feeds of these fields that reach into the time, with causes."""
    read_at: float
    """The time until which the answer knows everything that was recorded [s, Unix time]."""
    unread: int
    """Number of files that were never read, and are named far from this time.

    They have samples of this time only if these were recorded more than two hours late. A hole that
    reaches beyond this time is not known if its other end is in one of them. They are read in the
    background (`ocsd.data.Builder`), or by ``ocsd data trend``.
    """


def field_window(
    name: str,
    pieces: Iterable[Level | Part],
    texts: Iterable[Sequence[Change]],
    silences: Sequence[Span],
    span: tuple[int, int],
    column_s: float,
    columns: int,
) -> FieldWindow:
    """Return a field over a time.

    Parameters
    ----------
    name : str
        Name of the field within its feed.
    pieces : iterable of Level or Part
        Everything of the field, each sample once.
    texts : iterable of sequence of Change
        The changes of a text field.
    silences : sequence of Span
        Last time before and first time after each silence [s, Unix time].
    span : tuple of int
        Begin and end of the time [ticks of 10 ns].
    column_s : float
        Length of a column [s].
    columns : int
        How many columns were asked for.
    """
    found = [piece for piece in pieces if len(_times(piece))]
    parts = [piece for piece in found if isinstance(piece, Part)]
    few = sum(len(part.ticks) for part in parts) <= SAMPLES_OF_COLUMN * columns
    raw = few and len(parts) == len(found)
    if raw:
        bins = _samples(name, parts)
        t = seconds(bins.index)
        breaks = np.searchsorted(t, np.array([after for _, after in silences]) - 5e-7)
    else:
        bins = _columns(name, found, column_s)
        t = (bins.index.astype(np.float64) + 0.5) * column_s
        breaks = _breaks(bins, silences, column_s)
    stack = bins.stacks[0]
    return FieldWindow(
        t,
        bins.n,
        stack.nans[0],
        stack.least[0],
        stack.greatest[0],
        mean(stack, bins.n)[0],
        raw,
        _inner(breaks, len(t)),
        _changes(joined(texts), span, column_s, columns),
    )


def _inner(indices: NDArray[np.intp], length: int) -> NDArray[np.int64]:
    """Return indices that are not those of the first element or behind the last, each once."""
    return np.unique(indices[(indices > 0) & (indices < length)]).astype(np.int64)


def _breaks(bins: Bins, silences: Sequence[Span], column_s: float) -> NDArray[np.intp]:
    """Return the indices of columns before which a silence ends that began in another column."""
    columns = [(before // column_s, after // column_s) for before, after in silences]
    ends = [after for before, after in columns if before != after]
    return np.searchsorted(bins.index, np.array(ends))


def _times(piece: Level | Part) -> NDArray[np.int64]:
    if isinstance(piece, Part):
        return piece.ticks
    return piece.bins.index


def _samples(name: str, parts: Sequence[Part]) -> Bins:
    """Return each sample as a bin of its own, with its time [ticks] as the number."""
    if not parts:
        return _bins(np.zeros(0, dtype=np.int64), np.zeros(0))
    ticks = np.concatenate([part.ticks for part in parts])
    values = np.concatenate([_numbers(part.columns[name]) for part in parts])
    order = np.argsort(ticks, kind="stable")
    return _bins(ticks[order], values[order])


def _bins(ticks: NDArray[np.int64], values: NDArray[Any]) -> Bins:
    missing = np.zeros(len(ticks), dtype=np.int64)
    total = values.astype(np.float64)
    if values.dtype.kind == "f":
        missing = np.isnan(values).astype(np.int64)
        total = np.where(missing, 0.0, total)
    rows = values[np.newaxis], values[np.newaxis], total[np.newaxis], missing[np.newaxis]
    return Bins(ticks, np.ones(len(ticks), dtype=np.int64), (Stack(("",), *rows),))


def _columns(name: str, pieces: Sequence[Level | Part], column_s: float) -> Bins:
    found = []
    parts: dict[str, list[Part]] = defaultdict(list)
    for piece in pieces:
        if isinstance(piece, Part):
            parts[piece.columns[name].dtype.kind].append(piece)
        else:
            ratio = round(column_s / piece.step_s)
            found.append(_with_numbers(merged([piece.bins], ratio)))
    for alike in parts.values():
        ticks = np.concatenate([part.ticks for part in alike])
        values = _numbers(np.concatenate([part.columns[name] for part in alike]))
        found.append(binned(ticks, {name: values}, ticks_of(column_s)))
    return merged(found)


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as numbers: whole ones for bools, NaN for texts."""
    if values.dtype.kind == "b":
        return values.astype(np.int64)
    if values.dtype.kind in "fi":
        return values
    return np.full(len(values), np.nan)


def _with_numbers(bins: Bins) -> Bins:
    """Return the bins of a field; those of texts, which have only a number, as of NaN."""
    if bins.stacks:
        return bins
    nothing = np.full((1, len(bins.n)), np.nan)
    zero = np.zeros((1, len(bins.n)))
    stack = Stack(("",), nothing, nothing, zero, bins.n[np.newaxis])
    return Bins(bins.index, bins.n, (stack,))


def _changes(
    found: Sequence[Change], span: tuple[int, int], column_s: float, columns: int
) -> list[tuple[float, str]] | None:
    if not found:
        return None
    told = real(found)
    inside = [change for change in told if span[0] <= change[0] < span[1]]
    before = [change for change in told if change[0] < span[0]][-1:]
    if len(inside) > columns:
        step = ticks_of(column_s)
        inside = list({change[0] // step: change for change in inside}.values())
    return [(at / ticks_of(1), text) for at, text in (*before, *inside)]
