"""Incidents: many instances that fail at once, of one cause."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

WINDOW_S: Final = 5.0
"""Longest time between failures that belong together [s]."""

FEWEST: Final = 3
SHARE: Final = 0.3
"""Least number of instances, and least part of those that run, that make an incident."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The instances that failed lately, and whether of one cause."""

    at_s: Mapping[str, float] = field(default_factory=dict)
    """When each instance last failed [s, monotonic]."""
    since_s: float | None = None
    """When the present incident began [s, monotonic]; None if there is none."""
    names: tuple[str, ...] = ()
    """The instances that are part of it, in the order of their failures."""

    def after(self, instance_id: str, running: int, now_s: float) -> "Failures":
        """Return the failures after one more, at `now_s` [s, monotonic].

        `running` is the number of instances that ran before the first of these failures.
        """
        recent = {key: at_s for key, at_s in self.at_s.items() if now_s - at_s <= WINDOW_S}
        before = self if recent else Failures()
        recent[instance_id] = now_s
        if before.since_s is None and len(recent) < max(FEWEST, SHARE * running):
            return Failures(recent)
        begun_s = min(recent.values()) if before.since_s is None else before.since_s
        return Failures(recent, begun_s, tuple(dict.fromkeys((*before.names, *recent))))

    def is_shared(self, now_s: float) -> bool:
        """Return whether a failure at this time is part of an incident."""
        return self.since_s is not None and now_s - max(self.at_s.values()) <= WINDOW_S

    def over(self, now_s: float) -> "Failures":
        """Return the failures if nothing has failed until `now_s`."""
        if self.is_shared(now_s):
            return self
        return replace(self, since_s=None, names=())
