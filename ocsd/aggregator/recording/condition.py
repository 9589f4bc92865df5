"""The condition of the recording in one line for operators."""

from collections import Counter, deque
from collections.abc import Container, Mapping
from typing import Any, Final

REFUSED_FOR_S: Final = 300.0
DROPPED_FOR_S: Final = 300.0
LOST_FOR_S: Final = 3600.0
RETYPED_FOR_S: Final = 3600.0
MOST_LAG_S: Final = 10.0


# The text and the memory for each figure of session.data that counts faults.
_FAULTS: Final = {
    "lost": (LOST_FOR_S, "{count} messages lost in the last hour ({names}); see `ocsd data gaps`"),
    "estimated_holes": (
        LOST_FOR_S,
        "estimated holes in the last hour, in feeds without numbers: {count} ({names}); "
        "see `ocsd data gaps`",
    ),
    "refused": (REFUSED_FOR_S, "{count} refused in the last 5 minutes, e.g. of {latest}"),
    "retyped": (
        RETYPED_FOR_S,
        "changes of a field's type in the last hour: {count}, e.g. {latest}; `ocsd data export` "
        "reads all values as they were published",
    ),
    "not_kept": (
        REFUSED_FOR_S,
        "{count} of the refused could not even be put in quarantine, e.g. of {latest}",
    ),
    "dropped": (
        DROPPED_FOR_S,
        "{count} without a number dropped in the last 5 minutes ({names})",
    ),
}

_MOST_NAMES: Final = 3
_MOST_GROWTH_ENTRIES: Final = 60


class Recent:
    """Growth of counts by name, within about the last `memory_s` [s].

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
        self._recent = {figure: Recent(memory_s) for figure, (memory_s, _) in _FAULTS.items()}

    def update(self, data: Mapping[str, Any], now_s: float) -> None:
        """Compare session.data with that of before [monotonic s]; call it once a second."""
        for figure, recent in self._recent.items():
            recent.update(data[figure], now_s)

    def reason(self, data: Mapping[str, Any]) -> str:
        """Return the faults as one line; empty if all is well."""
        faults = [data["trouble"]]
        if data["lag_s"] > MOST_LAG_S:
            faults.append(
                f"{data['lag_s']:.0f} s behind: {data['waiting']} messages wait to be recorded"
            )
        for figure, recent in self._recent.items():
            if count := recent.counts.total():
                latest = _latest(data.get(f"{figure}_because", {}), recent.counts)
                _, text = _FAULTS[figure]
                faults.append(text.format(count=count, names=recent.names, latest=latest))
        return "; ".join(filter(None, faults))


def _latest(reasons: dict[str, str], recent: Container[str]) -> str:
    """Return the latest reason among senders with recent cases."""
    recently = (f"{name}: {reasons[name]}" for name in reversed(reasons) if name in recent)
    return next(recently, "unknown")
