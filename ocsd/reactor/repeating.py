"""Repeated calls that go by a clock of the caller's choice."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from ocsd.reactor.ticker import counted_from_s


class _InTime(LoopingCall):
    """Calls at the same times as the tickers, so that a process wakes up once for all of them."""

    def start(self, interval: float, now: bool = True) -> "Deferred[LoopingCall]":
        """Start; the first interval may be shorter than the others."""
        started = super().start(interval, now)
        clock: Any = self.clock
        self.starttime = counted_from_s(clock)
        next_call: Any = self.call
        if next_call is not None:
            next_call.cancel()
            self._scheduleFrom(clock.seconds())
        return started


def repeating(function: Callable[[], object], clock: Any) -> LoopingCall:
    """Return a call that can be started, and then repeats itself.

    The clock is an IReactorTime, but mypy cannot match an interface of zope with a class.
    """
    loop = _InTime(function)
    loop.clock = clock
    return loop
