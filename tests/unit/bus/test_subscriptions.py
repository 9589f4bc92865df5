"""Who subscribes to what."""

import pytest

from ocsd.bus.subscriptions import Subscriptions, matches

TEMPS = "observatory.thermo1.feeds.temps"
ME, OTHER = 1, 2


@pytest.mark.parametrize(
    ("pattern", "match", "expected"),
    [
        (TEMPS, "exact", True),
        ("observatory.thermo1.feeds.temp", "exact", False),
        ("observatory.thermo1.", "prefix", True),
        ("observatory.thermo2.", "prefix", False),
        ("observatory..feeds.", "wildcard", True),
        ("observatory..feeds.heartbeat", "wildcard", False),
        ("observatory...", "wildcard", True),
        ("observatory..", "wildcard", False),
        ("anything", "regex", True),  # Unknown to us, so it may match.
    ],
)
def test_a_pattern_gets_what_the_router_would_give_it(pattern, match, expected):
    assert matches(TEMPS, pattern, match) is expected


def subscription(number, uri=TEMPS, match="exact"):
    return {"id": number, "uri": uri, "match": match, "created": "2026-11-30T00:00:00Z"}


def test_the_recorder_itself_is_no_listener():
    known = Subscriptions()
    known.add(subscription(7, "observatory..feeds.", "wildcard"), [ME])
    assert not known.is_heard(TEMPS, ME)
    known.subscribed(OTHER, 7)
    assert known.is_heard(TEMPS, ME)
    known.replace(7, [ME])
    assert not known.is_heard(TEMPS, ME)


def test_a_subscription_of_another_session_makes_its_topics_heard_until_its_end():
    known = Subscriptions()
    known.add(subscription(8), [OTHER])
    assert known.is_heard(TEMPS, ME)
    assert not known.is_heard("observatory.thermo2.feeds.temps", ME)
    assert known.knows(8)
    known.replace(8, [])
    assert not known.is_heard(TEMPS, ME)
    assert not known.knows(8)


def test_a_subscription_that_is_not_known_counts_for_nothing():
    known = Subscriptions()
    known.subscribed(OTHER, 9)
    assert not known.is_heard(TEMPS, ME)
