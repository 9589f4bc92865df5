"""What the hub has to hear of a host, where only the registry and recorders listen."""

import pytest

from ocsd.bridge.demand import LEAST_BEAT_S, MOST_BEAT_TOPICS, HubDemand, Thinning
from ocsd.bus.subscriptions import Subscriptions, TopicPattern
from ocsd.system.classes import CALM_TOPIC, OWN_SHARE_TOPIC

BRIDGE, REGISTRY, AGGREGATOR, CLIENT = 1, 2, 3, 4
ALL_FEEDS = TopicPattern("lab..feeds.", "wildcard")
BEATS = TopicPattern("lab..feeds.heartbeat", "wildcard")
BEAT = "lab.thermo.feeds.heartbeat"


def demand(*more):
    """Return the demand at a hub with a registry, an aggregator, and more subscriptions."""
    known = Subscriptions()
    usual = [
        ("lab..feeds.heartbeat", "wildcard", REGISTRY),
        (f"lab.{CALM_TOPIC}", "exact", REGISTRY, AGGREGATOR),
        ("lab..feeds.", "wildcard", AGGREGATOR),
        (f"lab.{OWN_SHARE_TOPIC}", "exact", AGGREGATOR),
        ("lab.far.feeds.x", "exact", BRIDGE),
        ("elsewhere.x", "exact", CLIENT),
    ]
    for number, (uri, match, *sessions) in enumerate((*usual, *more)):
        if not known.knows(number):
            known.add({"id": number, "uri": uri, "match": match}, sessions)
    return HubDemand(known, [BRIDGE], "lab")


def test_a_host_that_records_nothing_itself_sends_what_the_hub_has_subscribed_to():
    assert demand().topics(None, ["thermo"]) == {ALL_FEEDS, BEATS}


def test_what_a_host_records_itself_goes_to_nobody_who_leaves_it_out():
    """Of agents that the host does not record, everything goes; of the others the heartbeats."""
    assert demand().topics({"thermo", "dome"}, {"thermo", "dome", "foreign"}) == {
        BEATS,
        TopicPattern("lab.foreign.feeds.", "prefix"),
    }
    assert demand().topics(set(), {"thermo"}) == {
        BEATS,
        TopicPattern("lab.thermo.feeds.", "prefix"),
    }


def test_whoever_says_nothing_hears_what_it_has_subscribed_to():
    published = demand(("lab..feeds.", "wildcard", CLIENT))
    one_feed = demand(("lab.thermo.feeds.x", "exact", CLIENT))
    assert ALL_FEEDS in demand_with_both().topics({"thermo"}, {"thermo"})
    assert ALL_FEEDS in published.topics(None, ())
    assert one_feed.topics({"thermo"}, {"thermo"}) == {
        BEATS,
        TopicPattern("lab.thermo.feeds.x", "exact"),
    }


def demand_with_both():
    """Return the demand where a client has the same subscription as the aggregator."""
    known = Subscriptions()
    known.add({"id": 1, "uri": "lab..feeds.", "match": "wildcard"}, [AGGREGATOR, CLIENT])
    known.add({"id": 2, "uri": f"lab.{OWN_SHARE_TOPIC}"}, [AGGREGATOR])
    return HubDemand(known, [BRIDGE], "lab")


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        (BEAT, "exact"),
        ("lab.thermo.", "prefix"),
        ("lab.", "prefix"),
        ("lab..feeds.heartbeat", "wildcard"),
        ("lab..feeds.", "wildcard"),
    ],
)
def test_each_heartbeat_is_needed_once_anybody_else_hears_them(uri, match):
    assert not demand().needs_each(BEAT)
    assert demand((uri, match, CLIENT)).needs_each(BEAT)


def test_a_heartbeat_that_says_nothing_new_passes_every_two_seconds():
    thinning = Thinning()
    passed = [each for each in range(10) if thinning.passes(BEAT, each, {"acq": 3}, each * 1.0)]
    assert passed == [0, 2, 4, 6, 8]
    assert thinning.passes("lab.other.feeds.heartbeat", 10, {"acq": 3}, 9.0)
    assert thinning.kept_back == 5


def test_a_heartbeat_that_comes_once_for_each_subscription_counts_once():
    thinning = Thinning()
    copies = [0, 0, 1, 1, 1, 2, 2]
    passed = [each for each in copies if thinning.passes(BEAT, each, {"acq": 3}, each * 1.0)]
    assert passed == [0, 0, 2, 2]
    assert thinning.kept_back == 1


def test_a_heartbeat_that_says_something_new_passes_at_once():
    thinning = Thinning()
    assert thinning.passes(BEAT, 1, {"acq": 3}, 0.0)
    assert not thinning.passes(BEAT, 2, {"acq": 3}, LEAST_BEAT_S / 2)
    assert thinning.passes(BEAT, 3, {"acq": 5}, LEAST_BEAT_S / 2)
    thinning.begin_anew()
    assert thinning.passes(BEAT, 4, {"acq": 5}, LEAST_BEAT_S / 2)


def test_topics_that_somebody_makes_up_do_not_fill_the_memory():
    thinning = Thinning()
    for number in range(MOST_BEAT_TOPICS + 5):
        assert thinning.passes(f"lab.{number}.feeds.heartbeat", number, {}, 0.0)
    assert len(thinning._sent) == len(thinning._latest) == 5
    assert not thinning.passes(f"lab.{number}.feeds.heartbeat", number + 1, {}, 0.0)
