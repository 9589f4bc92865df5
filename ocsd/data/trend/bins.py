"""Bins of samples: how many, the least, the greatest and the mean. Pure.

Bins stand on absolute time: the bin of a sample is ``floor(time / step)``. So bins of the same
step, made of any parts of the samples, can be merged, and coarser ones be made of finer ones.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = tuple[Sequence[str], NDArray[Any]]
"""Names of fields, and their values, of shape (fields, samples)."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The bins of fields of one type: a row for each field, a column for each bin."""

    names: tuple[str, ...]
    least: NDArray[Any]
    greatest: NDArray[Any]
    """Of float64 or int64, shape (fields, bins); NaN if a bin has nothing but NaN."""
    total: NDArray[np.float64]
    """Sum of all samples that are not NaN, shape (fields, bins)."""
    nans: NDArray[np.int64]
    """Number of samples that are NaN, shape (fields, bins)."""

    def rows(self, names: Container[str]) -> "Stack":
        """Return the bins of some of the fields."""
        at = [place for place, name in enumerate(self.names) if name in names]
        if len(at) == len(self.names):
            return self
        kept = tuple(self.names[place] for place in at)
        return Stack(kept, self.least[at], self.greatest[at], self.total[at], self.nans[at])


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of fields that were sampled together."""

    index: NDArray[np.int64]
    """Number of each bin, ascending, shape (bins,): it begins at `index` * step."""
    n: NDArray[np.int64]
    """Number of samples of each field, with those that are NaN, shape (bins,)."""
    stacks: tuple[Stack, ...]


def binned(ticks: NDArray[np.int64], columns: Mapping[str, NDArray[Any]], step: int) -> Bins:
    """Return the bins of samples.

    Parameters
    ----------
    ticks : ndarray of int64, shape (n,)
        Times, in any order.
    columns : mapping of str to ndarray, each of shape (n,)
        Values by field: float64, int64 or bool; others are counted only.
    step : int
        Length of a bin, in the unit of `ticks`.
    """
    tables = []
    for names in _alike(columns):
        values = np.stack([columns[name] for name in names])
        if values.dtype.kind != "f":
            values = values.astype(np.int64)
        tables.append((names, values))
    return of_tables(ticks, tables, step)


def of_tables(ticks: NDArray[np.int64], tables: Sequence[Table], step: int) -> Bins:
    """Return the bins of samples, given as tables of the fields of one type, float64 or int64.

    `ticks` are times in any order, `step` is the length of a bin.
    """
    if not is_ascending(ticks):
        order = np.argsort(ticks, kind="stable")
        ticks, tables = ticks[order], [(names, values[:, order]) for names, values in tables]
    index, begins = occupied(ticks, step)
    n = np.concatenate((begins[1:], [len(ticks)])) - begins
    stacks = tuple(_stack(names, values, begins) for names, values in tables if len(begins))
    return Bins(index, n, stacks)


def is_ascending(values: NDArray[np.int64]) -> bool:
    """Return whether no value is less than the one before."""
    return not (values[1:] < values[:-1]).any()


def occupied(ticks: NDArray[np.int64], step: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the number of each bin that has samples, and where its samples begin.

    `ticks` are ascending times, `step` is the length of a bin.
    """
    if not len(ticks):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.intp)
    first, after = int(ticks[0]) // step, int(ticks[-1]) // step + 1
    if after - first > len(ticks):
        keys = ticks // step
        begins = _begins(keys)
        return keys[begins], begins
    # They are few, so each is searched for: a division of every time takes longer.
    index = np.arange(first, after)
    inner = np.searchsorted(ticks, index[1:] * step)
    edges = np.concatenate(([0], inner, [len(ticks)]))
    there = edges[1:] > edges[:-1]
    return index[there], edges[:-1][there]


def merged(parts: Sequence[Bins], ratio: int = 1) -> Bins:
    """Return bins of the same fields and step as one, `ratio` times as long as they were.

    Ints become floats if they are both.
    """
    if len(parts) == ratio == 1:
        return parts[0]
    index = np.concatenate([part.index for part in parts]) // ratio
    n = np.concatenate([part.n for part in parts])
    stacks = [_beside([part.stacks[at] for part in parts]) for at in range(len(parts[0].stacks))]
    if not is_ascending(index):
        order = np.argsort(index, kind="stable")
        index, n = index[order], n[order]
        stacks = [_take(stack, order) for stack in stacks]
    begins = _begins(index)
    if len(begins) < len(index):
        n = np.add.reduceat(n, begins)
        stacks = [_collapsed(stack, begins) for stack in stacks]
    return Bins(index[begins], n, tuple(stacks))


def within(bins: Bins, first: int, after: int) -> Bins:
    """Return the bins from number `first` up to, and without, number `after`."""
    begin, end = np.searchsorted(bins.index, (first, after))
    if (begin, end) == (0, len(bins.index)):
        return bins
    stacks = tuple(_take(stack, slice(begin, end)) for stack in bins.stacks)
    return Bins(bins.index[begin:end], bins.n[begin:end], stacks)


def mean(stack: Stack, n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the samples that are not NaN, shape (fields, bins); NaN of none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means: NDArray[np.float64] = stack.total / (n - stack.nans)
    return means


def _begins(keys: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where new values begin in ascending ones."""
    if not len(keys):
        return np.zeros(0, dtype=np.intp)
    return np.concatenate(([0], np.flatnonzero(keys[1:] != keys[:-1]) + 1))


def _alike(columns: Mapping[str, NDArray[Any]]) -> list[list[str]]:
    """Return the fields of floats, and those of ints and bools."""
    floats = [name for name, each in columns.items() if each.dtype.kind == "f"]
    whole = [name for name, each in columns.items() if each.dtype.kind in "ib"]
    return [names for names in (floats, whole) if names]


def _stack(names: Sequence[str], values: NDArray[Any], begins: NDArray[np.intp]) -> Stack:
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.add.reduceat(values, begins, axis=1, dtype=np.float64)
        nans = np.zeros(total.shape, dtype=np.int64)
        if not np.isnan(total).any():
            least = np.minimum.reduceat(values, begins, axis=1)
            greatest = np.maximum.reduceat(values, begins, axis=1)
            return Stack(tuple(names), least, greatest, total, nans)
        missing = np.isnan(values)
        nans = np.add.reduceat(missing, begins, axis=1, dtype=np.int64)
        total = np.add.reduceat(np.where(missing, 0.0, values), begins, axis=1)
        least = np.fmin.reduceat(values, begins, axis=1)
        greatest = np.fmax.reduceat(values, begins, axis=1)
    return Stack(tuple(names), least, greatest, total, nans)


def _beside(stacks: Sequence[Stack]) -> Stack:
    if len(stacks) == 1:
        return stacks[0]
    return Stack(
        stacks[0].names,
        np.concatenate([stack.least for stack in stacks], axis=1),
        np.concatenate([stack.greatest for stack in stacks], axis=1),
        np.concatenate([stack.total for stack in stacks], axis=1),
        np.concatenate([stack.nans for stack in stacks], axis=1),
    )


def _take(stack: Stack, which: Any) -> Stack:
    return Stack(
        stack.names,
        stack.least[:, which],
        stack.greatest[:, which],
        stack.total[:, which],
        stack.nans[:, which],
    )


def _collapsed(stack: Stack, begins: NDArray[np.intp]) -> Stack:
    with np.errstate(invalid="ignore"):
        return Stack(
            stack.names,
            np.fmin.reduceat(stack.least, begins, axis=1),
            np.fmax.reduceat(stack.greatest, begins, axis=1),
            np.add.reduceat(stack.total, begins, axis=1),
            np.add.reduceat(stack.nans, begins, axis=1),
        )
