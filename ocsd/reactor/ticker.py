"""Calls at a steady rate in the reactor."""

from collections.abc import Callable
from typing import Any

from ocsd.reactor.threads import the_reactor

SLOT_S = 0.25
"""Tickers of all processes call at multiples of this [s, monotonic]: router and daemon then wake up
once for what many agents send, and not all agents work at the same time."""


class Ticker:
    """Calls a function at a steady rate, once in a period [s].

    Twisted's LoopingCall would install the reactor as soon as one is made, and does
    more at each call. The reactor logs a call that raises; the next one follows.

    All tickers of a reactor call at the same times, so that a process wakes up once for all of
    them. They are counted from the slot in which the first one was started (`SLOT_S`).
    """

    _counted_for: Any = None
    _counted_from_s = 0.0

    def __init__(self, period_s: float, function: Callable[[], object]) -> None:
        self._period_s = period_s
        self._function = function
        self._timer: Any = None
        self._due_s = 0.0

    def start(self) -> None:
        """Call now and from now on, unless the ticker has been started already."""
        if self._timer is None:
            self._due_s = self._beginning_s()
            self._tick()

    def stop(self) -> None:
        """Call no more."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    @staticmethod
    def _beginning_s() -> float:
        reactor = the_reactor()
        if Ticker._counted_for is not reactor:
            now_s = reactor.seconds()
            Ticker._counted_for, Ticker._counted_from_s = reactor, now_s - now_s % SLOT_S
        return Ticker._counted_from_s

    def _tick(self) -> None:
        reactor = the_reactor()
        now_s = reactor.seconds()
        # Calls that were missed while the reactor was blocked are not made up for.
        periods = (now_s - self._due_s) // self._period_s + 1
        self._due_s += periods * self._period_s
        self._timer = reactor.callLater(max(0.0, self._due_s - now_s), self._tick)
        self._function()
