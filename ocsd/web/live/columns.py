"""Columns of a live plot, and adding samples to them. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.data.trend.bins import Bins, Stack, binned, mean, merged, within

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
    """How many of them are NaN, shape (k,)."""
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    mean: NDArray[np.float64]
    """Least, greatest and mean of the others; NaN if there are none, shape (k,)."""

    def as_json(self, written: dict[int, str]) -> str:
        """Return an object of lists as JSON; numbers that are not finite are null.

        `written` has the lists that several fields share, by the identity of the array.
        """
        parts = []
        for name, values in zip(self._fields, self, strict=True):
            text = written.get(id(values))
            if text is None:
                text = written[id(values)] = _as_json(values)
            parts.append(f'"{name}":{text}')
        return f"{{{','.join(parts)}}}"


@dataclass(slots=True)
class Summed:
    """The columns of fields of numbers that are sampled together."""

    step_s: float
    """Length of a column [s]: a power of two."""
    bins: Bins | None = None
    changed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Numbers of the columns that have changed since the last `settle`, ascending."""
    settled_before: int | None = None
    """Columns before this number cannot be changed any more."""

    def add(self, times: NDArray[np.float64], values: Mapping[str, NDArray[np.float64]]) -> bool:
        """Add samples; False, with nothing changed, if a column of them is settled.

        Parameters
        ----------
        times : ndarray of float64, shape (n,)
            Unix times [s], in any order.
        values : mapping of str to ndarray of float64, each of shape (n,)
            The same fields at each call.
        """
        # Exact, because the step is a power of two.
        numbers = np.floor(times / self.step_s).astype(np.int64)
        fresh = binned(numbers, values, 1)
        if self.settled_before is not None and fresh.index[0] < self.settled_before:
            return False
        if self.bins is not None:
            self.bins = merged([self.bins, fresh])
        else:
            self.bins = fresh
        if len(self.changed):
            self.changed = np.union1d(self.changed, fresh.index)
        else:
            self.changed = fresh.index
        return True

    def fresh(self) -> dict[str, LiveColumns]:
        """Return the changed columns of each field."""
        if self.bins is None or not len(self.changed):
            return {}
        return _columns(self.bins, self.changed, self.step_s)

    def settle(self) -> None:
        """Forget which columns have changed, and all but the last ones."""
        self.changed = self.changed[:0]
        if self.bins is not None and len(self.bins.index) > KEPT_COLUMNS:
            first, last = int(self.bins.index[-KEPT_COLUMNS]), int(self.bins.index[-1])
            self.settled_before = first
            self.bins = within(self.bins, first, last + 1)


def fresh_together(parts: Sequence[Summed], name: str) -> LiveColumns:
    """Return the changed columns of a field, of which each part has some of the samples."""
    changed = np.unique(np.concatenate([part.changed for part in parts]))
    bins = [
        Bins(each.index, each.n, (each.stacks[0].rows({name}),))
        for each in (part.bins for part in parts)
        if each is not None
    ]
    return _columns(merged(bins), changed, parts[0].step_s)[name]


def _columns(bins: Bins, numbers: NDArray[np.int64], step_s: float) -> dict[str, LiveColumns]:
    at = np.searchsorted(bins.index, numbers)
    whole, n = bins.stacks[0], bins.n[at]
    stack = Stack(
        whole.names,
        least=whole.least[:, at],
        greatest=whole.greatest[:, at],
        total=whole.total[:, at],
        nans=whole.nans[:, at],
    )
    t: NDArray[np.float64] = (numbers + np.float64(0.5)) * step_s
    means = mean(stack, n)
    return {
        name: LiveColumns(t, n, stack.nans[row], stack.least[row], stack.greatest[row], means[row])
        for row, name in enumerate(stack.names)
    }


def _as_json(values: NDArray[Any]) -> str:
    listed = values.tolist()
    text = repr(listed)
    if "n" in text:  # of nan and inf
        plain = [value if math.isfinite(value) else None for value in listed]
        return json.dumps(plain)
    return text
