"""Doing something again and again in the reactor."""

import pytest
from twisted.internet.task import Clock

from ocsd.reactor.threads import use_reactor
from ocsd.reactor.ticker import Ticker


@pytest.fixture
def clock():
    clock = Clock()
    use_reactor(clock)
    yield clock
    use_reactor(None)


@pytest.fixture
def calls(clock):
    """When the ticker called [s]."""
    return []


@pytest.fixture
def ticker(clock, calls):
    return Ticker(1.0, lambda: calls.append(clock.seconds()))


def test_it_calls_at_once_and_then_at_a_steady_rate(clock, calls, ticker):
    ticker.start()
    clock.pump([0.5] * 4)
    assert calls == [0.0, 1.0, 2.0]


def test_to_start_it_twice_makes_no_more_calls(clock, calls, ticker):
    ticker.start()
    ticker.start()
    clock.advance(1.0)
    assert calls == [0.0, 1.0]


def test_what_was_missed_is_not_made_up_for_and_the_rate_stays(clock, calls, ticker):
    ticker.start()
    clock.advance(3.25)
    clock.advance(0.75)
    assert calls == [0.0, 3.25, 4.0]


def test_once_stopped_it_calls_no_more_until_it_is_started_again(clock, calls, ticker):
    ticker.start()
    ticker.stop()
    clock.advance(1.5)
    ticker.start()
    clock.advance(1.0)
    assert calls == [0.0, 1.5, 2.5]
    ticker.stop()
    assert clock.getDelayedCalls() == []


def test_a_call_that_raises_is_followed_by_the_next(clock):
    calls = []

    def fail():
        calls.append(clock.seconds())
        if len(calls) == 2:
            raise ValueError("as an author's code does")

    Ticker(1.0, fail).start()
    with pytest.raises(ValueError, match="author"):
        clock.advance(1.0)
    clock.advance(1.0)
    assert calls == [0.0, 1.0, 2.0]


def test_tickers_that_were_started_at_different_times_call_at_the_same_times(clock):
    calls = []
    tickers = [
        Ticker(1.0, lambda name=name: calls.append((name, round(clock.seconds(), 3))))
        for name in "ab"
    ]
    tickers[0].start()
    clock.advance(0.3)
    tickers[1].start()
    for _ in range(2):
        clock.advance(0.9)
    for ticker in tickers:
        ticker.stop()
    assert calls == [("a", 0.0), ("b", 0.3), ("a", 1.2), ("b", 1.2), ("a", 2.1), ("b", 2.1)]
