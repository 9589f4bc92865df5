"""What agents offer, by the events of WAMP's meta API."""

from ocsd.bridge.offers import Offers, is_returning

OWN, AGENT = 1, 2


def test_exact_addresses_below_the_root_are_offered():
    offers = Offers("observatory")
    offers.created({"id": 1, "uri": "observatory.a", "match": "exact"})
    offers.created({"id": 2, "uri": "observatory.a.ops", "match": "exact"})
    offers.created({"id": 3, "uri": "observatory.", "match": "prefix"})
    offers.created({"id": 4, "uri": "elsewhere.a", "match": "exact"})
    assert offers.wanted() == {"observatory.a", "observatory.a.ops"}
    assert offers.agents() == {"a"}
    offers.deleted(1)
    offers.deleted(3)
    assert offers.wanted() == {"observatory.a.ops"}


def test_a_call_that_the_bridge_has_sent_here_is_not_sent_back():
    chain = [{"session": AGENT}, {"session": OWN}]
    assert is_returning(chain, None, OWN)
    assert is_returning(None, OWN, OWN)
    assert not is_returning([{"session": AGENT}], AGENT, OWN)
    assert not is_returning(None, None, OWN)
