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

    def agent_seen(self, at: float) -> tuple[float, float] | None:
        """Note a message; return from when to when the feed was silent, if that is unusual."""
        before, self.last_at = self.last_at, at
        silent_s = at - before
        if silent_s <= 0:
            return None
        if not self.interval_s:
            self.interval_s = silent_s
            return None
        longest_s = MOST_INTERVALS * self.interval_s
        # A silence counts as well, or a burst at the beginning would be the rhythm for ever.
        self.interval_s += _WEIGHT * (min(silent_s, longest_s) - self.interval_s)
        return (before, at) if silent_s > longest_s else None
