"""The times of samples: the same rule for agents and for the aggregator."""

import math

import pytest

from ocsd.agent.feeds.times import FARTHEST_S, allowed_times, first_bad_time, time_fault
from ocsd.aggregator.incoming.message import RefusedError, read_blocks

NOW = 1_795_900_000.0  # 2026-11-28
DAY_S = 86400.0

GOOD = [
    NOW,
    int(NOW),
    NOW + 14 * 3600,  # local time in place of UTC
    NOW - 90 * DAY_S,  # the memory of a logger
    NOW - FARTHEST_S,
    NOW + FARTHEST_S,
]
BAD = {
    NOW * 1e3: "milliseconds",
    int(NOW * 1e6): "microseconds",
    int(NOW) * 10**9: "nanoseconds",
    0: "monotonic",
    2243.7: "monotonic",
    -5: "1969-12-31T23:59:55Z, more than a year from now",
    946_684_800: "2000-01-01T00:00:00Z",  # a clock without battery
    NOW - 1024 * 7 * DAY_S: "2007-",  # the week count of GPS has begun again
    2_100_000_000.0: "2036-07-18T13:20:00Z",
    math.nan: "not finite",
    -math.inf: "not finite",
    10**400: "no time of the calendar",
    True: "no number",
    "2026-11-28": "no number",
    None: "no number",
}


def block(times):
    return {"b": {"block_name": "b", "timestamps": times, "data": {"v": [1] * len(times)}}}


@pytest.mark.parametrize("at", GOOD)
@pytest.mark.parametrize("count", [0, 50])
def test_times_within_a_year_are_taken_by_agent_and_aggregator(agent, link, at, count):
    agent.unix_time = lambda: NOW
    agent.register_feed("t", record=True)
    times = [NOW] * count + [at]
    agent.publish_to_feed("t", {"block_name": "b", "timestamps": times, "data": {"v": times}})
    [(_, (message, _))] = link.published
    [read] = read_blocks(message, NOW)
    assert read.length == count + 1


@pytest.mark.parametrize(("at", "what"), BAD.items(), ids=map(repr, BAD.values()))
@pytest.mark.parametrize("count", [0, 50])
def test_other_times_are_refused_by_both_in_the_same_words(agent, link, at, what, count):
    agent.unix_time = lambda: NOW
    agent.register_feed("t", record=True)
    times = [NOW] * count + [at]
    message = {"block_name": "b", "timestamps": times, "data": {"v": [1] * len(times)}}
    with pytest.raises((ValueError, TypeError), match="feed 't': timestamps") as raised:
        agent.publish_to_feed("t", message)
    [refused] = read_blocks(block(times), NOW)
    assert isinstance(refused, RefusedError)
    for said in (str(raised.value), str(refused)):
        assert what in said
        assert said.endswith("a timestamp is a Unix time in seconds, as time.time() returns it")
    assert link.published == []


def test_a_host_that_does_not_know_the_time_takes_any():
    assert first_bad_time([0.0, NOW, -5], 1000.0) is None
    assert first_bad_time([NOW, NOW * 1e3], 1000.0) == 1
    assert allowed_times(1000.0)[1] > NOW


def test_the_first_bad_time_is_found():
    assert first_bad_time([NOW, math.nan, 0], NOW) == 1
    assert first_bad_time([NOW, None], NOW) == 1
    assert first_bad_time([], NOW) is None
    assert "milliseconds" in time_fault(NOW * 1000, NOW)
