"""Who subscribes to what."""

import pytest

from ocsd.bus.subscriptions import Audience, Subscriptions, TopicPattern

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
    asked = TopicPattern(pattern, match)
    assert asked.matches(TEMPS) is expected
    assert Audience({asked}).hears(TEMPS) is expected


def subscription(number, uri=TEMPS, match="exact"):
    return {"id": number, "uri": uri, "match": match, "created": "2026-11-30T00:00:00Z"}


def test_the_own_subscriptions_are_not_wanted_by_others():
    known = Subscriptions()
    pattern = TopicPattern("observatory..feeds.", "wildcard")
    known.add(subscription(7, *pattern), [ME])
    assert known.wanted({ME}) == frozenset()
    known.joined(OTHER, 7)
    assert known.wanted({ME}) == {pattern}
    known.replace(7, [ME])
    assert known.wanted({ME}) == frozenset()
    assert known.wanted(()) == {pattern}


def test_a_subscription_of_another_session_is_wanted_until_its_end():
    known = Subscriptions()
    known.add(subscription(8), [OTHER])
    assert known.wanted({ME}) == {TopicPattern(TEMPS, "exact")}
    assert known.knows(8)
    known.replace(8, [])
    assert known.wanted({ME}) == frozenset()
    assert not known.knows(8)


def test_an_audience_hears_what_one_of_its_patterns_gets():
    audience = Audience({TopicPattern(TEMPS, "exact"), TopicPattern("lab.", "prefix")})
    assert audience.hears(TEMPS)
    assert audience.hears("lab.thermo2.feeds.temps")
    assert not audience.hears("observatory.thermo2.feeds.temps")
