"""When a supervisor takes heartbeats for signs of life."""

from math import inf

import pytest

from ocsd.supervisor.health import REACTOR_SILENCE_LIMIT_S
from ocsd.supervisor.reliance import ALL_HEARD_S, OVERDUE_S, Heard, Reliance


def beating(now_s):
    """An agent that does not report and whose heartbeats are heard."""
    return Heard(now_s - 3.0, now_s - 0.5)


def mute(now_s):
    """An agent that reports and whose heartbeats are not heard."""
    return Heard(now_s - 2.0, -inf)


def silent(now_s):
    """An agent of which nothing is heard."""
    return Heard(now_s - OVERDUE_S - 0.5, now_s - OVERDUE_S - 0.5)


def after(reliance, kinds, seconds, begin_s=0):
    for now_s in range(begin_s, begin_s + seconds):
        reliance = reliance.after([kind(now_s) for kind in kinds], now_s)
    return reliance


def relied():
    reliance = after(after(Reliance(), [], 1), [beating] * 2, round(ALL_HEARD_S), 1)
    assert reliance.is_on
    return reliance


def test_all_heartbeats_have_to_be_heard_for_a_while():
    begun = after(Reliance(), [], 1)
    assert not after(begun, [beating] * 2, round(ALL_HEARD_S) - 1, 1).is_on
    assert after(begun, [beating] * 2, round(ALL_HEARD_S), 1).is_on


@pytest.mark.parametrize("kinds", [[], [mute], [beating, mute], [beating, silent]])
def test_it_never_begins_where_one_is_not_heard(kinds):
    assert not after(Reliance(), kinds, 60).is_on


def test_an_agent_of_which_nothing_is_heard_ends_it_at_once_and_for_a_while():
    ended = after(relied(), [beating, silent], 1, 11)
    assert not ended.is_on
    assert not after(ended, [beating] * 2, round(ALL_HEARD_S) - 1, 12).is_on
    assert after(ended, [beating] * 2, round(ALL_HEARD_S), 12).is_on


def test_an_agent_that_reports_instead_does_not_end_it():
    assert after(relied(), [beating, mute], 60, 11).is_on


def test_it_ends_soon_enough_for_a_report_before_silence_is_a_hang():
    # The round, the second in which an agent looks, and as much again.
    assert OVERDUE_S + 4 < REACTOR_SILENCE_LIMIT_S
