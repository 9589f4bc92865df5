"""The agent's calls of its own address, in simulated time."""

import pytest
from twisted.internet.defer import Deferred

from ocsd.agent.wellbeing.self_call import SelfCall
from ocsd.bus.wamp import ApplicationError, TransportLost


class Link:
    """A connection whose calls the test answers."""

    def __init__(self):
        self.calls = []
        self.own_calls = None
        self.is_lost = False

    def call(self, procedure, query):
        if self.is_lost:
            raise TransportLost
        assert (procedure, query) == ("observatory.thermo1", "get_agent_class")
        self.calls.append(Deferred())
        return self.calls[-1]


@pytest.fixture
def self_call(agent, reactor):
    return SelfCall(agent, jitter=lambda: 0.5, monotonic=reactor.seconds)


@pytest.fixture
def poll(self_call, reactor):
    """Poll every second for some time; return the complaints."""

    def poll(link, seconds):
        complaints = []
        for _ in range(seconds):
            complaints.append(self_call.poll(link))
            reactor.advance(1)
        return complaints

    return poll


def test_it_calls_every_ten_seconds_from_a_random_moment_on(poll):
    link = Link()
    assert poll(link, 5) == [""] * 5
    assert link.calls == []
    for count in (1, 2, 3):
        assert poll(link, 1) == [""]
        assert len(link.calls) == count
        link.calls[-1].callback("ThermoAgent")
        assert poll(link, 9) == [""] * 9


def test_no_answer_for_five_seconds_is_reported(poll):
    link = Link()
    complaints = poll(link, 18)
    assert complaints[:10] == [""] * 10
    assert complaints[10] == "no answer to a call through the router for 5 s"
    assert complaints[-1] == "no answer to a call through the router for 12 s"
    link.calls[0].callback("ThermoAgent")
    assert poll(link, 5) == [""] * 5


def test_an_error_is_reported(poll):
    link = Link()
    poll(link, 6)
    link.calls[0].errback(ApplicationError("wamp.error.no_such_procedure", "nobody there"))
    [complaint] = poll(link, 1)
    assert complaint.startswith("a call through the router fails: ")
    assert "no_such_procedure" in complaint
    poll(link, 9)
    link.calls[1].callback("ThermoAgent")
    assert poll(link, 1) == [""]


def test_a_connection_that_is_lost_is_not_its_business(poll):
    link, another = Link(), Link()
    assert poll(link, 20)[-1]
    assert poll(None, 3) == [""] * 3
    link.calls[0].errback(ApplicationError("wamp.close.transport_lost"))
    assert poll(another, 5) == [""] * 5
    another.is_lost = True
    assert poll(another, 20) == [""] * 20


def test_a_late_answer_on_an_earlier_connection_is_ignored(poll):
    link, another = Link(), Link()
    poll(link, 10)
    poll(another, 6)
    link.calls[0].callback("ThermoAgent")
    assert poll(another, 6)[-1].startswith("no answer")


def test_a_process_that_was_held_up_does_not_complain(poll, reactor):
    link = Link()
    poll(link, 6)
    reactor.advance(600)
    assert poll(link, 4) == [""] * 4
