"""When many instances fail at once, it is one incident and not the fault of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

WINDOW_S: Final = 5.0
"""Failures that lie no further apart belong together."""

FEWEST: Final = 3
SHARE: Final = 0.3
"""So many instances, and such a part of those that run, make a failure a shared one."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Which instances failed lately, and whether of one cause.

    Attributes
    ----------
    at_s : mapping of str to float
        When each instance last failed [s, monotonic].
    since_s : float or None
        When the present incident began [s, monotonic]; None if there is none.
    names : tuple of str
        Who is part of it, in the order of their failures.
    """

    at_s: Mapping[str, float] = field(default_factory=dict)
    since_s: float | None = None
    names: tuple[str, ...] = ()

    def after(self, name: str, running: int, now_s: float) -> "Failures":
        """Return what is known after an instance failed.

        Parameters
        ----------
        name : str
            The instance.
        running : int
            How many instances ran before the first of these failures.
        now_s : float
            The time [s, monotonic].
        """
        recent = {each: at_s for each, at_s in self.at_s.items() if now_s - at_s <= WINDOW_S}
        goes_on = self.since_s is not None and bool(recent)
        recent[name] = now_s
        if goes_on or len(recent) >= max(FEWEST, SHARE * running):
            begun_s = self.since_s if goes_on else min(recent.values())
            names = dict.fromkeys((*(self.names if goes_on else ()), *recent))
            return Failures(recent, begun_s, tuple(names))
        return Failures(recent)

    def is_shared(self, now_s: float) -> bool:
        """Tell whether a failure at this time is part of an incident."""
        return self.since_s is not None and now_s - max(self.at_s.values()) <= WINDOW_S

    def over(self, now_s: float) -> "Failures":
        """Return what is known when nothing has failed until `now_s`."""
        return self if self.is_shared(now_s) else replace(self, since_s=None, names=())
