"""The condition of the recording in one line for operators."""

from collections import Counter, deque
from collections.abc import Container, Mapping
from typing import Any, Final

REFUSED_FOR_S: Final = 300.0
DROPPED_FOR_S: Final = 300.0
LOST_FOR_S: Final = 3600.0
MOST_LAG_S: Final = 10.0

_MOST_NAMES: Final = 3
_MOST_GROWTH_ENTRIES: Final = 60


class Recent:
    """Recent growth of counts, by name.

    Parameters
    ----------
    memory_s : float
        How long growth counts, roughly [s].

    Attributes
    ----------
    counts : Counter of str
        The growth; only names that have grown.
    """

    def __init__(self, memory_s: float) -> None:
        self.counts: Counter[str] = Counter()
        self._memory_s = memory_s
        self._totals: dict[str, int] | None = None
        self._growth: deque[tuple[float, Counter[str]]] = deque()

    @property
    def count(self) -> int:
        """The growth of all of them."""
        return self.counts.total()

    @property
    def names(self) -> str:
        """The names that have grown most."""
        names = [name for name, _ in self.counts.most_common(_MOST_NAMES + 1)]
        return ", ".join(names[:_MOST_NAMES]) + " and others" * (len(names) > _MOST_NAMES)

    def update(self, totals: Mapping[str, int], now_s: float) -> None:
        """Compare totals by name with the ones before; the first ones are the baseline."""
        before, self._totals = self._totals, dict(totals)
        if before is not None and before != self._totals:
            self._grow(Counter(self._totals) - Counter(before), now_s)
        while self._growth and self._growth[0][0] < now_s - self._memory_s:
            self.counts = self.counts - self._growth.popleft()[1]

    def _grow(self, grown: Counter[str], now_s: float) -> None:
        # A new Counter, because another thread may be reading the old one.
        self.counts = self.counts + grown
        # Growth at nearly the same time shares an entry: memory is bounded.
        if self._growth and now_s - self._growth[-1][0] < self._memory_s / _MOST_GROWTH_ENTRIES:
            self._growth[-1][1].update(grown)
        elif grown:
            self._growth.append((now_s, grown))


class Condition:
    """The faults of a recording, from the figures of session.data."""

    def __init__(self) -> None:
        self._refused = Recent(REFUSED_FOR_S)
        self._not_kept = Recent(REFUSED_FOR_S)
        self._dropped = Recent(DROPPED_FOR_S)
        self._lost = Recent(LOST_FOR_S)
        self._estimated = Recent(LOST_FOR_S)

    def update(self, data: Mapping[str, Any], now_s: float) -> None:
        """Compare the figures with the ones before; call it about once a second.

        Parameters
        ----------
        data : mapping
            The session's data.
        now_s : float
            Monotonic time [s].
        """
        self._refused.update(data["refused"], now_s)
        self._not_kept.update(data["not_kept"], now_s)
        self._dropped.update(data["dropped"], now_s)
        self._lost.update(data["lost"], now_s)
        self._estimated.update(data["estimated_holes"], now_s)

    def reason(self, data: Mapping[str, Any]) -> str:
        """Return the faults as one line; empty if all is well."""
        faults = [data["trouble"]]
        if data["lag_s"] > MOST_LAG_S:
            faults.append(
                f"{data['lag_s']:.0f} s behind: {data['waiting']} messages wait to be recorded"
            )
        if self._lost.count:
            faults.append(
                f"{self._lost.count} messages lost in the last hour "
                f"({self._lost.names}); see `ocsd data gaps`"
            )
        if self._estimated.count:
            faults.append(
                "estimated holes in the last hour, in feeds without numbers: "
                f"{self._estimated.count} ({self._estimated.names}); see `ocsd data gaps`"
            )
        if self._refused.count:
            faults.append(
                f"{self._refused.count} refused in the last 5 minutes, e.g. of "
                f"{_latest(data['refused_because'], self._refused.counts)}"
            )
        if self._not_kept.count:
            faults.append(
                f"{self._not_kept.count} of the refused could not even be put in quarantine, e.g. "
                f"of {_latest(data['not_kept_because'], self._not_kept.counts)}"
            )
        if self._dropped.count:
            faults.append(
                f"{self._dropped.count} without a number dropped in the last 5 minutes "
                f"({self._dropped.names})"
            )
        return "; ".join(filter(None, faults))


def _latest(reasons: dict[str, str], recent: Container[str]) -> str:
    """Return the latest reason among senders with recent cases."""
    recently = (f"{name}: {reasons[name]}" for name in reversed(reasons) if name in recent)
    return next(recently, "unknown")
