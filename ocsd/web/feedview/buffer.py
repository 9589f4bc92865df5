"""The samples of one feed that came in lately, in bounded memory."""

import time
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.agent.feeds.units import LABELS, UNITS, received
from ocsd.aggregator.incoming.message import CheckedBlock, RefusedError, read_blocks

MOST_SAMPLES: Final = 8_000_000
"""Number of values that are kept; each takes 16 bytes with its time."""
FIELD_COST: Final = 32
"""Memory of a field itself, as a number of values: names may be ever new ones."""
REPEAT_S: Final = 60.0
"""A text that stays the same is kept again after this time, so that it does not grow old [s]."""
LONGEST_TEXT: Final = 1000
"""Characters of a text that are kept."""


class Shown(NamedTuple):
    """Samples of a field in the order of time."""

    times: NDArray[np.float64]
    """Unix times [s], shape (n,)."""
    values: NDArray[Any]
    """Numbers (float64), or texts (object), shape (n,)."""


class _Numbers:
    """Numbers of a field, in the order of their arrival."""

    def __init__(self) -> None:
        self.times, self.values = array("d"), array("d")
        self._in_order = True

    def add(self, times: Sequence[float], values: Sequence[Any], ascending: bool) -> int:
        """Append samples; return how many values that counts as.

        `ascending` says whether their times are in order.
        """
        late = bool(self.times) and times[0] < self.times[-1]
        self._in_order = self._in_order and ascending and not late
        self.times.extend(times)
        self.values.extend(values)
        return len(times)

    def drop(self, count: int) -> None:
        """Remove the samples that came first."""
        del self.times[:count], self.values[:count]
        self._in_order = self._in_order or not self.times

    def between(self, since_at: float, until_at: float) -> Shown:
        """Return the samples of a time [s, Unix time], both ends included."""
        if self._in_order:
            part = slice(bisect_left(self.times, since_at), bisect_right(self.times, until_at))
            return Shown(np.array(self.times[part]), np.array(self.values[part]))
        times, values = np.array(self.times), np.array(self.values)
        order = np.argsort(times, kind="stable")
        order = order[(times[order] >= since_at) & (times[order] <= until_at)]
        return Shown(times[order], values[order])


class _Texts:
    """Texts of a field; of equal ones that follow each other, one in a minute."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[str] = []

    def add(self, times: Sequence[float], values: Sequence[Any], _ascending: bool) -> int:
        """Append samples; return how many values that counts as."""
        cost = 0
        for at, value in zip(times, values, strict=True):
            text = str(value)[:LONGEST_TEXT]
            if not self.values or self.values[-1] != text or at - self.times[-1] >= REPEAT_S:
                self.times.append(at)
                self.values.append(text)
                cost += 8 + len(text) // 4
        return cost

    def drop(self, count: int) -> None:
        """Remove texts that came first, as many as `add` has counted for them."""
        while count > 0 and self.values:
            count -= 8 + len(self.values[0]) // 4
            del self.times[0], self.values[0]

    def between(self, since_at: float, until_at: float) -> Shown:
        """Return the texts of a time [s, Unix time], the one that was present at its begin too."""
        times, values = np.array(self.times, dtype=np.float64), np.array(self.values, dtype=object)
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        first = max(0, int(np.searchsorted(times, since_at, side="right")) - 1)
        part = slice(first, int(np.searchsorted(times, until_at, side="right")))
        return Shown(times[part], values[part])


_Series = _Numbers | _Texts
_nan: Final = float("nan")


class FeedBuffer:
    """Keeps the samples of a feed that came in lately.

    Parameters
    ----------
    kept_s : float
        For how long they are kept after they came in [s].
    most_samples : int
        How many values are kept at most; then the oldest go earlier.
    monotonic, unix_time : callable
        Return the monotonic time and the Unix time [s].

    Attributes
    ----------
    fields : dict
        The samples of each field.
    units, labels : dict of str to str
        As the agent declared them last.
    came_at : float or None
        Unix time of the latest message [s].
    refused : str
        Why the latest message that could not be used was not; empty if there is none.
    """

    def __init__(
        self,
        kept_s: float,
        most_samples: int = MOST_SAMPLES,
        monotonic: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self.fields: dict[str, _Series] = {}
        self.units: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.came_at: float | None = None
        self.refused = ""
        self._kept_s = kept_s
        self._most = most_samples
        self._monotonic, self._unix_time = monotonic, unix_time
        self._total = 0
        # What came in within one second: how many values of each field that is.
        self._arrivals: deque[tuple[int, Counter[_Series]]] = deque()

    @property
    def reach_s(self) -> float:
        """Age of the oldest message of which it has samples [s]."""
        if not self._arrivals:
            return 0.0
        return self._monotonic() - self._arrivals[0][0]

    @property
    def is_short_of_memory(self) -> bool:
        """Whether samples go before their time is over."""
        return self._total > 0.9 * self._most and self.reach_s < 0.9 * self._kept_s

    def take(self, message: object, feed_info: Mapping[str, Any]) -> None:
        """Take in a message as it came from the router."""
        self.came_at = self._unix_time()
        self.units = received(feed_info, UNITS)
        self.labels = received(feed_info, LABELS)
        if not feed_info.get("record"):
            self.refused = "the feed is not recorded, so its messages are no samples"
            return
        for block in read_blocks(message, self.came_at):
            try:
                if isinstance(block, RefusedError):
                    raise block
                self._add(block)
            except (RefusedError, TypeError, ValueError, OverflowError) as error:
                self.refused = str(error)
        self.trim()

    def trim(self) -> None:
        """Drop what is older than it may be, or more than there may be."""
        limit_s = self._monotonic() - self._kept_s
        while self._arrivals and (self._arrivals[0][0] < limit_s or self._total > self._most):
            _, counts = self._arrivals.popleft()
            for series, count in counts.items():
                series.drop(count)
                self._total -= count
        for name in [n for n, series in self.fields.items() if not series.times]:
            del self.fields[name]
            self._total -= FIELD_COST

    def names(self) -> list[str]:
        """Return the names of the fields that have samples."""
        return sorted(self.fields)

    def is_text(self, name: str) -> bool:
        """Return whether a field has texts."""
        return isinstance(self.fields.get(name), _Texts)

    def between(self, name: str, since_at: float, until_at: float) -> Shown:
        """Return the samples of a field in a time [s, Unix time]; none of an unknown field."""
        series = self.fields.get(name) or _Numbers()
        return series.between(since_at, until_at)

    def _add(self, block: CheckedBlock) -> None:
        times = array("d")
        times.frombytes(block.times)
        counts = self._present_counts()
        ascending = all(before <= after for before, after in pairwise(times))
        for name, values in block.columns.items():
            numbers = _numbers(values)
            kind: type[_Series] = _Numbers
            if numbers is None:
                kind = _Texts
            series = self.fields.get(name)
            if type(series) is not kind:
                # The field has another type now: what it was before cannot be drawn with it.
                self._total += FIELD_COST * (series is None)
                series = self.fields[name] = kind()
            count = series.add(times, numbers or values, ascending)
            counts[series] += count
            self._total += count

    def _present_counts(self) -> "Counter[_Series]":
        second = int(self._monotonic())
        if not self._arrivals or self._arrivals[-1][0] != second:
            self._arrivals.append((second, Counter()))
        return self._arrivals[-1][1]


def _numbers(values: Sequence[Any]) -> "array[float] | None":
    """Return values as numbers, with NaN in place of None; None if there are texts among them.

    Raises
    ------
    TypeError, OverflowError
        If there is anything else among them.
    """
    try:
        return array("d", values)
    except TypeError:
        if str in set(map(type, values)):
            return None
    return array("d", [value if value is not None else _nan for value in values])
