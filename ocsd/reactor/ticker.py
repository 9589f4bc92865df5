"""Calls at a steady rate in the reactor."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from ocsd.reactor.threads import the_reactor

SLOT_S = 0.5
"""Tickers of all processes call at multiples of this [s, monotonic]: router and daemon then wake up
once for what half of the agents send, and not all work at the same time."""


class Ticker:
    """Calls a function at a steady rate, once in a period [s].

    Twisted's LoopingCall would install the reactor as soon as one is made, and does
    more at each call. The reactor logs a call that raises; the next one follows.

    All tickers of a reactor call at the same times, so that a process wakes up once for all of
    them, and those of one period share a timer. Times are counted from the slot in which the
    first one was started (`SLOT_S`).

    Attributes
    ----------
    function : callable
        What is called.
    is_on : bool
        Whether it is called.
    """

    def __init__(self, period_s: float, function: Callable[[], object]) -> None:
        self._period_s = period_s
        self.function = function
        self.is_on = False
        self._timer: _SharedTimer | None = None

    def start(self) -> None:
        """Call now and from now on, unless the ticker has been started already."""
        if not self.is_on:
            self.is_on = True
            self._timer = _SharedTimer.of(the_reactor(), self._period_s)
            self._timer.add(self)
            self.function()

    def stop(self) -> None:
        """Call no more."""
        self.is_on = False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.remove(self)


def counted_from_s(reactor: Any) -> float:
    """Return the time from which the calls of all tickers of a reactor are counted [s]."""
    return _SharedTimer.begin(reactor)


class _SharedTimer:
    """The timer of all tickers of one period."""

    _reactor: Any = None
    _counted_from_s = 0.0
    _timers: ClassVar[dict[float, "_SharedTimer"]] = {}

    @classmethod
    def begin(cls, reactor: Any) -> float:
        """Return the time from which a reactor's calls are counted [s]; another one begins anew."""
        if cls._reactor is not reactor:
            now_s = reactor.seconds()
            cls._reactor, cls._counted_from_s = reactor, now_s - now_s % SLOT_S
            cls._timers = {}
        return cls._counted_from_s

    @classmethod
    def of(cls, reactor: Any, period_s: float) -> "_SharedTimer":
        """Return the timer of a period."""
        cls.begin(reactor)
        if period_s not in cls._timers:
            cls._timers[period_s] = cls(reactor, period_s, cls._counted_from_s)
        return cls._timers[period_s]

    def __init__(self, reactor: Any, period_s: float, counted_from_s: float) -> None:
        self._reactor = reactor
        self._period_s = period_s
        self._due_s = counted_from_s
        self._tickers: tuple[Ticker, ...] = ()
        self._timer: Any = None

    def add(self, ticker: Ticker) -> None:
        self._tickers = (*self._tickers, ticker)
        if self._timer is None:
            self._wait()

    def remove(self, ticker: Ticker) -> None:
        self._tickers = tuple(each for each in self._tickers if each is not ticker)
        if not self._tickers and self._timer is not None:
            timer, self._timer = self._timer, None
            if timer.active():
                timer.cancel()

    def _wait(self) -> None:
        now_s = self._reactor.seconds()
        # Calls that were missed while the reactor was blocked are not made up for.
        self._due_s += ((now_s - self._due_s) // self._period_s + 1) * self._period_s
        self._timer = self._reactor.callLater(max(0.0, self._due_s - now_s), self._tick)

    def _tick(self) -> None:
        self._wait()
        self._call(iter(self._tickers))

    def _call(self, tickers: Iterator[Ticker]) -> None:
        for ticker in tickers:
            try:
                if ticker.is_on:  # It may have been stopped meanwhile.
                    ticker.function()
            except BaseException:
                # The reactor logs it; the others follow.
                self._reactor.callLater(0, self._call, tickers)
                raise
