"""How often a feed without numbers comes, so that a gap can be told from a pause."""

from dataclasses import dataclass
from typing import Final

# A silence longer than this many usual intervals is a gap, if there was an outage.
MOST_INTERVALS: Final = 5.0

# How much one interval counts against those before it.
_WEIGHT: Final = 0.2


@dataclass(slots=True)
class Rhythm:
    """The arrivals of one feed.

    Attributes
    ----------
    last_at : float
        Unix time of the last message [s].
    interval_s : float
        What usually lies between two messages [s]; 0 until there were two.
    """

    last_at: float
    interval_s: float = 0.0

    def heard(self, at: float) -> tuple[float, float] | None:
        """Note a message; return from when to when the feed was silent, if that is unusual."""
        before, self.last_at = self.last_at, at
        silent_s = at - before
        if self.interval_s and silent_s > MOST_INTERVALS * self.interval_s:
            return before, at
        if silent_s > 0:
            weight = _WEIGHT if self.interval_s else 1.0
            self.interval_s += weight * (silent_s - self.interval_s)
        return None
