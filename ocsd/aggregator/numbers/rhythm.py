"""The usual interval of a feed without numbers, which distinguishes a gap from a pause."""

from dataclasses import dataclass
from typing import Final

from ocsd.agent.feeds.silence import USUAL_INTERVALS

# Weight of one interval against those before it.
_WEIGHT: Final = 0.2


@dataclass(slots=True)
class Rhythm:
    """The arrivals of one feed."""

    last_at: float
    """Unix time of the last message [s]."""
    interval_s: float = 0.0
    """Usual time between two messages [s]; 0 until there were two."""

    def arrived(self, at: float) -> tuple[float, float] | None:
        """Count a message; return begin and end of the silence before it, if that is unusual."""
        before, self.last_at = self.last_at, at
        silent_s = at - before
        if silent_s <= 0:
            return None
        if not self.interval_s:
            self.interval_s = silent_s
            return None
        longest_s = USUAL_INTERVALS * self.interval_s
        # A silence counts as well, or a burst at the beginning would be the rhythm for ever.
        self.interval_s += _WEIGHT * (min(silent_s, longest_s) - self.interval_s)
        if silent_s <= longest_s:
            return None
        return before, at
