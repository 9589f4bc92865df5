"""The limits of supervision: delays before a restart, and the ladder of a stop."""

import signal
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class RestartPolicy(StrEnum):
    """The values of an instance's ``restart`` key."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay before the n-th restart in a row."""

    free: int = 3
    """The number of restarts in a row that happen at once."""
    first_s: float = 0.5
    longest_s: float = 60.0
    """The delay of the next one, and the limit of its doubling [s]."""
    jitter: float = 0.2
    """Largest relative change of a delay, so that instances that fell together do not come back
    together.
    """
    forgotten_after_s: float = 60.0
    """Time up after which the failures of an instance are forgotten [s]."""
    spread_s: float = 5.0
    """Time within which instances that fell of one cause come back [s]."""

    def delay_s(self, failures: int, jitter: float) -> float:
        """Return the delay before a restart [s].

        Parameters
        ----------
        failures : int
            Unexpected ends in a row, this one included; 1 or more.
        jitter : float
            A random number from -1 to 1.
        """
        if failures <= self.free:
            return 0.0
        # Beyond 2**32 a float would overflow long after the limit is reached.
        doublings = min(failures - self.free - 1, 32)
        return float(min(self.first_s * 2**doublings, self.longest_s) * (1 + self.jitter * jitter))

    def spread_delay_s(self, jitter: float) -> float:
        """Return the delay before a restart that many instances need at once [s]."""
        return self.spread_s * (1 + jitter) / 2


DEFAULT_BACKOFF: Final = Backoff()


@dataclass(frozen=True, slots=True)
class StopStep:
    """One rung of the ladder by which an instance is made to end."""

    signal: signal.Signals
    """The signal that the process group gets."""
    limit_s: float
    """Time from the delivery of the signal to the next rung [s]."""


# SIGINT asks an agent to stop its operations and to leave. Unlike a call through the
# router it also works when the router is away.
STOP_LADDER: Final = (
    StopStep(signal.SIGINT, 10.0),
    StopStep(signal.SIGTERM, 5.0),
    StopStep(signal.SIGKILL, 5.0),
)

# A hung process is asked for its stacks, which cannot take long, and then killed.
HUNG_LADDER: Final = (StopStep(signal.SIGQUIT, 1.0), StopStep(signal.SIGKILL, 5.0))

SIGNAL_RETRY_S: Final = 1.0
"""Interval of the checks whether a signal that could not be delivered has been [s]."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The way in which a process is made to end: its ladder, and the step that it is on.

    `trouble` says why it is being ended although it is wanted; it is empty if it was asked to end.
    `reached` says whether the signal of this step has been delivered, as far as is known.
    """

    ladder: tuple[StopStep, ...] = STOP_LADDER
    step: int = 0
    trouble: str = ""
    reached: bool = True

    @property
    def rung(self) -> StopStep:
        """The rung that was reached."""
        return self.ladder[self.step]

    @property
    def force(self) -> str:
        """The words for an end by this rung; empty for the gentle one, which needs no mention."""
        return f"ended by {self.rung.signal.name}" * (self.step > 0)

    def next(self) -> "Ending":
        """Return the next rung; the last one is repeated."""
        return replace(self, step=min(self.step + 1, len(self.ladder) - 1))
