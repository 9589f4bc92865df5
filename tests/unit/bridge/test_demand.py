"""What programs want and offer, by the events of WAMP's meta API."""

from ocsd.bridge.demand import Demand, Offers, Pattern, is_returning

OWN, AGENT, VIEWER = 1, 2, 3


def subscription(number, uri, match="exact"):
    return {"id": number, "uri": uri, "match": match, "created": "2026-11-30T00:00:00.000Z"}


def test_each_match_policy_is_wanted_as_it_is():
    demand = Demand("observatory")
    patterns = [
        Pattern("observatory.a.feeds.b", "exact"),
        Pattern("observatory.a.", "prefix"),
        Pattern("observatory..feeds.", "wildcard"),
    ]
    for number, pattern in enumerate(patterns):
        demand.created(subscription(number, *pattern))
        demand.joined(AGENT, number)
    assert demand.wanted({OWN}) == set(patterns)


def test_the_own_subscriptions_of_the_bridge_are_not_wanted():
    demand = Demand("observatory")
    demand.created(subscription(5, "observatory.a"))
    demand.joined(OWN, 5)
    assert demand.wanted({OWN}) == frozenset()
    demand.joined(VIEWER, 5)
    assert demand.wanted({OWN}) == {Pattern("observatory.a", "exact")}
    demand.left(VIEWER, 5)
    assert demand.wanted({OWN}) == frozenset()


def test_what_is_outside_the_address_root_is_not_wanted():
    demand = Demand("observatory")
    for number, uri in enumerate(["observatory", "observatory2.a", "wamp.session.on_join"]):
        demand.created(subscription(number, uri))
        demand.joined(AGENT, number)
    assert demand.wanted(()) == frozenset()


def test_a_subscriber_may_be_known_before_the_subscription():
    demand = Demand("observatory")
    demand.joined(AGENT, 5)
    demand.joined(VIEWER, 5)
    demand.left(VIEWER, 5)
    demand.created(subscription(5, "observatory.a"))
    assert demand.wanted(()) == {Pattern("observatory.a", "exact")}


def test_a_subscription_that_is_deleted_is_wanted_no_more():
    demand = Demand("observatory")
    demand.created(subscription(5, "observatory.a"))
    demand.joined(AGENT, 5)
    demand.left(AGENT, 6)
    demand.deleted(6)
    demand.deleted(5)
    assert demand.wanted(()) == frozenset()


def test_exact_addresses_below_the_root_are_offered():
    offers = Offers("observatory")
    offers.created({"id": 1, "uri": "observatory.a", "match": "exact"})
    offers.created({"id": 2, "uri": "observatory.a.ops", "match": "exact"})
    offers.created({"id": 3, "uri": "observatory.", "match": "prefix"})
    offers.created({"id": 4, "uri": "elsewhere.a", "match": "exact"})
    assert offers.wanted() == {"observatory.a", "observatory.a.ops"}
    offers.deleted(1)
    offers.deleted(3)
    assert offers.wanted() == {"observatory.a.ops"}


def test_a_call_that_the_bridge_has_sent_here_is_not_sent_back():
    chain = [{"session": AGENT}, {"session": OWN}]
    assert is_returning(chain, None, OWN)
    assert is_returning(None, OWN, OWN)
    assert not is_returning([{"session": AGENT}], AGENT, OWN)
    assert not is_returning(None, None, OWN)
