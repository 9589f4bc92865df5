"""The two times that recording needs, read together."""

import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant on both clocks."""

    at: float
    """Unix time [s], for files and their names."""
    mono_s: float
    """Monotonic time [s]. It decides when something is due, so that a stepped wall clock neither
    hurries nor delays it.
    """

    @classmethod
    def now(cls) -> Self:
        """Return the present."""
        return cls(at=time.time(), mono_s=time.monotonic())
