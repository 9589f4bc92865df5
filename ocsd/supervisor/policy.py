"""When an instance that ended is started again, and how one is asked to end."""

import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RestartPolicy(StrEnum):
    """What an instance's ``restart`` key may say."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the n-th restart in a row.

    Attributes
    ----------
    free : int
        So many restarts in a row happen at once.
    first_s, longest_s : float
        The delay of the next one, and what doubling it never exceeds [s].
    jitter : float
        Largest relative change of a delay, so that instances that fell
        together do not come back together.
    forgotten_after_s : float
        An instance that was up for so long starts counting anew [s].
    spread_s : float
        Instances that fell of one cause come back within so long [s].
    """

    free: int = 3
    first_s: float = 0.5
    longest_s: float = 60.0
    jitter: float = 0.2
    forgotten_after_s: float = 60.0
    spread_s: float = 5.0

    def delay_s(self, failures: int, jitter: float) -> float:
        """Return the delay before a restart.

        Parameters
        ----------
        failures : int
            Unexpected ends in a row, this one included; 1 or more.
        jitter : float
            A random number from -1 to 1.

        Returns
        -------
        float
            Delay [s].
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
    """One rung of the ladder by which an instance is made to end.

    Attributes
    ----------
    signal : signal.Signals
        What is sent to the process group.
    limit_s : float
        How long to wait before the next rung [s].
    """

    signal: signal.Signals
    limit_s: float


# SIGINT is what asks an agent to stop its operations and to leave: unlike a call
# through the router it also works when the router is away.
STOP_LADDER: Final = (
    StopStep(signal.SIGINT, 10.0),
    StopStep(signal.SIGTERM, 5.0),
    StopStep(signal.SIGKILL, 5.0),
)

# A hung process is asked for its stacks, which cannot take long, and then ended.
HUNG_LADDER: Final = (
    StopStep(signal.SIGQUIT, 1.0),
    StopStep(signal.SIGKILL, 5.0),
)
