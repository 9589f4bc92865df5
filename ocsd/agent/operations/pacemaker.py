"""A steady rate for a sampling loop."""

import math
import time
from typing import Any, Final

from twisted.internet import task
from twisted.internet.defer import Deferred, succeed

from ocsd.reactor.threads import the_reactor

EARLY_PERIODS: Final = 0.05
"""Part of a period by which a sleep may end too early, because clocks differ a little."""


class Pacemaker:
    """Sleep so that a loop runs at a given rate, whatever its body takes.

    No sleep is longer than one period, even if the clock is set back.

    Parameters
    ----------
    sample_freq : float
        Rate of the loop [Hz].
    quantize : bool
        Whether to run on a grid that starts at full seconds, so that agents
        sample at the same moments. Needs a whole number of Hz.
    clock
        Has ``time()`` [s] and ``sleep(seconds)``; the module `time` by default.

    Raises
    ------
    ValueError
        If the rate is not positive, or not whole with `quantize`.
    """

    def __init__(self, sample_freq: float, quantize: bool = False, clock: Any = time) -> None:
        if sample_freq <= 0:
            raise ValueError(f"sample_freq is {sample_freq} Hz; it must be positive")
        if quantize and sample_freq % 1 != 0:
            raise ValueError(
                f"sample_freq is {sample_freq} Hz; quantize needs a whole number of Hz"
            )
        self.sample_freq = sample_freq
        self.sample_time = 1.0 / sample_freq
        self.quantize = quantize
        self._clock = clock
        self.next_sample: float = clock.time()

    def sleep(self) -> None:
        """Sleep until the next sample is due."""
        wait_s = self._wait_s()
        if wait_s > 0:
            self._clock.sleep(wait_s)
        self._plan()

    def dsleep(self) -> "Deferred[None]":
        """Return a Deferred that fires when the next sample is due."""
        wait_s = self._wait_s()
        waiting = dsleep(wait_s) if wait_s > 0 else succeed(None)
        return waiting.addCallback(lambda _: self._plan())

    def _wait_s(self) -> float:
        # The clock may have been set since the next sample was planned.
        ahead_s: float = self.next_sample - self._clock.time()
        return min(ahead_s, self.sample_time)

    def _plan(self) -> None:
        due = self._clock.time() + self.sample_time
        if self.quantize:
            # The last place on the grid until then; a sleep may have ended a little early.
            due = math.floor(due * self.sample_freq + EARLY_PERIODS) / self.sample_freq
        self.next_sample = due


def dsleep(seconds: float) -> "Deferred[None]":
    """Return a Deferred that fires after some time; cancelling it ends the wait.

    Parameters
    ----------
    seconds : float
        How long [s].
    """
    sleeping: Deferred[None] = task.deferLater(the_reactor(), seconds)
    return sleeping
