"""Columns of a live plot, and adding samples to them. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

KEPT_COLUMNS: Final = 128
"""Columns to which later samples can be added."""

BYTES_OF_FIELD: Final = 40 * KEPT_COLUMNS
"""Memory of a field of them."""


class LiveColumns(NamedTuple):
    """Columns of a field that are new, or have more samples than before."""

    t: NDArray[np.float64]
    """Centre of each [s, Unix time], ascending, shape (k,)."""
    n: NDArray[np.int64]
    """Number of samples, shape (k,)."""
    n_nan: NDArray[np.int64]
    """Number of those that are NaN, shape (k,)."""
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    mean: NDArray[np.float64]
    """Least, greatest and mean of the others; NaN if there are none, shape (k,)."""


class Summed:
    """The columns of fields of numbers that are sampled together.

    Trends have bins of the same kind (`ocsd.data.trend.bins`); here every step is for few samples
    of many fields at once, a thousand times a second.

    Parameters
    ----------
    step_s : float
        Length of a column [s]: a power of two.
    names : sequence of str
        Full names of the fields.

    Attributes
    ----------
    step_s : float
    names : tuple of str
    changed : ndarray of int64
        Numbers of the columns that have changed since the last `settle`, ascending.
    numbers, n : ndarray of int64, shape (columns,)
        Number of each column, ascending, and of samples in it.
    cells : ndarray of float64, shape (4, fields, columns)
        Least, greatest, sum and number of NaN.
    """

    def __init__(self, step_s: float, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.changed = np.zeros(0, dtype=np.int64)
        self.step_s = step_s
        self._settled_before: int | None = None
        self.numbers = np.zeros(0, dtype=np.int64)
        self.n = np.zeros(0, dtype=np.int64)
        self.cells = np.zeros((4, len(names), 0))

    def add(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
        """Add samples; False, with nothing changed, if a column of them is settled.

        Parameters
        ----------
        times : ndarray of float64, shape (n,)
            Unix times [s], in any order; at least one.
        values : ndarray of float64, shape (fields, n)
        """
        # Exact, because the step is a power of two.
        numbers = np.floor(times / self.step_s).astype(np.int64)
        if (numbers[1:] < numbers[:-1]).any():
            order = np.argsort(numbers, kind="stable")
            numbers, values = numbers[order], values[:, order]
        begins = np.concatenate(([0], (numbers[1:] != numbers[:-1]).nonzero()[0] + 1))
        n = np.concatenate((begins[1:], [len(numbers)])) - begins
        numbers = numbers[begins]
        if self._settled_before is not None and numbers[0] < self._settled_before:
            return False
        self._merge(numbers, n, _cells(values, begins))
        if len(self.changed):
            numbers = np.union1d(self.changed, numbers)
        self.changed = numbers
        return True

    def fresh(self) -> dict[str, LiveColumns]:
        """Return the changed columns of each field."""
        if not len(self.changed):
            return {}
        at = np.searchsorted(self.numbers, self.changed)
        # Rows of `take` lie in memory as orjson wants them; those of an index do not.
        n, (least, greatest, total, missing) = self.n[at], self.cells.take(at, axis=2)
        t: NDArray[np.float64] = (self.changed + np.float64(0.5)) * self.step_s
        with np.errstate(invalid="ignore", divide="ignore"):
            means = total / (n - missing)
        rows = zip(self.names, missing.astype(np.int64), least, greatest, means, strict=True)
        return {name: LiveColumns(t, n, *values) for name, *values in rows}

    def settle(self) -> None:
        """Forget which columns have changed, and all but the last ones."""
        self.changed = self.changed[:0]
        if len(self.numbers) > KEPT_COLUMNS:
            self.numbers = self.numbers[-KEPT_COLUMNS:]
            self.n = self.n[-KEPT_COLUMNS:]
            self.cells = self.cells[:, :, -KEPT_COLUMNS:]
            self._settled_before = int(self.numbers[0])

    def take_field(self, other: "Summed", name: str) -> None:
        """Add the columns of a field of `other`; this one has one field only."""
        row = other.names.index(name)
        if len(other.numbers):
            self._merge(other.numbers, other.n, other.cells[:, row : row + 1])
        self.changed = np.union1d(self.changed, other.changed)

    def _merge(
        self, numbers: NDArray[np.int64], n: NDArray[np.int64], cells: NDArray[np.float64]
    ) -> None:
        """Add columns; nearly always the first of them is the last one that is there."""
        known = len(self.numbers)
        if known and numbers[0] < self.numbers[-1]:
            self._merge_between(numbers, n, cells)
            return
        if known and numbers[0] == self.numbers[-1]:
            self.n[-1] += n[0]
            self.cells[:, :, -1] = _together(self.cells[:, :, -1], cells[:, :, 0])
            numbers, n, cells = numbers[1:], n[1:], cells[:, :, 1:]
        self.numbers = np.concatenate((self.numbers, numbers))
        self.n = np.concatenate((self.n, n))
        self.cells = np.concatenate((self.cells, cells), axis=2)

    def _merge_between(
        self, numbers: NDArray[np.int64], n: NDArray[np.int64], cells: NDArray[np.float64]
    ) -> None:
        every = np.union1d(self.numbers, numbers)
        before, at = np.searchsorted(every, self.numbers), np.searchsorted(every, numbers)
        all_n = np.zeros(len(every), dtype=np.int64)
        all_n[before] = self.n
        all_n[at] += n
        all_cells = np.zeros((4, len(self.names), len(every)))
        all_cells[:2] = np.nan
        all_cells[:, :, before] = self.cells
        all_cells[:, :, at] = _together(all_cells[:, :, at], cells)
        self.numbers, self.n, self.cells = every, all_n, all_cells


def fresh_together(parts: Sequence[Summed], name: str) -> LiveColumns:
    """Return the changed columns of a field, of which each part has some of the samples."""
    whole = Summed(parts[0].step_s, [name])
    for part in parts:
        whole.take_field(part, name)
    return whole.fresh()[name]


def _cells(values: NDArray[np.float64], begins: NDArray[np.intp]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.add.reduceat(values, begins, axis=1)
        if not np.isnan(total).any():
            least = np.minimum.reduceat(values, begins, axis=1)
            greatest = np.maximum.reduceat(values, begins, axis=1)
            return np.array([least, greatest, total, np.zeros(total.shape)])
        missing = np.isnan(values)
        total = np.add.reduceat(np.where(missing, 0.0, values), begins, axis=1)
        least = np.fmin.reduceat(values, begins, axis=1)
        greatest = np.fmax.reduceat(values, begins, axis=1)
    return np.array([least, greatest, total, np.add.reduceat(missing, begins, axis=1, dtype=float)])


def _together(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.array(
            [
                np.fmin(one[0], other[0]),
                np.fmax(one[1], other[1]),
                one[2] + other[2],
                one[3] + other[3],
            ]
        )
