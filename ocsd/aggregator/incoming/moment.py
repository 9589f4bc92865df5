"""The two times that recording needs, read together."""

import time
from dataclasses import dataclass
from typing import Final, Self

from ocsd.supervisor.retention import KEPT_S

# Clocks of devices may be ahead by this much [s].
MOST_DEVICE_AHEAD_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant on both clocks."""

    at: float
    """Unix time [s], for files and their names."""
    mono_s: float
    """Monotonic time [s]. It decides when something is due, so that a stepped wall clock neither
    hurries nor delays it.
    """

    def dated(self, at: float) -> float:
        """Return the Unix time [s] of a message of now whose last sample has the time `at`.

        A device whose clock is wrong must not date holes in 1970.
        """
        if self.at - KEPT_S <= at <= self.at + MOST_DEVICE_AHEAD_S:
            return at
        return self.at

    @classmethod
    def now(cls) -> Self:
        """Return the present."""
        return cls(at=time.time(), mono_s=time.monotonic())
