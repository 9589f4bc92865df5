"""The daemon's connection to the site's router: who has the address already."""

from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ocsd.bus.connection import TAKEN
from ocsd.bus.reconnection import LinkEvent
from ocsd.bus.wamp import ApplicationError
from ocsd.daemon.site.link import SiteLink, rival_text
from ocsd.errors import UnreachableError


class Router:
    """A link of which each call has the answer given."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = []

    def call(self, uri, **body):
        self.calls.append((uri, body))
        return self.answer

    def is_connected(self):
        return True


@pytest.fixture
def link():
    link = SiteLink.__new__(SiteLink)
    link._host = "lab-1"
    link._registrant = SimpleNamespace(agent_address="observatory.ocsd.lab-1.control", link=None)
    link.address = "ws://hub:8001/ws"
    link.state = SimpleNamespace(reason="no router")
    link.events = []
    link.fire = lambda event, reason="": link.events.append((event, reason))
    return link


def test_the_second_daemon_of_a_host_is_refused_and_tells_the_first(link):
    router = Router(succeed({"pid": 12, "machine": "attic"}))
    link._report_refusal(router, ApplicationError(TAKEN))
    text = rival_text("lab-1", {"pid": 12, "machine": "attic"})
    assert link.events == [(LinkEvent.REFUSED, text)]
    [(uri, body)] = router.calls
    assert uri == "observatory.ocsd.lab-1.control"
    assert body["request"] == "claim"


def test_an_address_that_nobody_answers_at_is_taken_later(link):
    link._report_refusal(
        Router(fail(ApplicationError("wamp.error.canceled"))), ApplicationError(TAKEN)
    )
    assert link.events[0][0] is LinkEvent.HELD


def test_any_other_refusal_is_told_as_it_is(link):
    link._report_refusal(Router(succeed(None)), ApplicationError("wamp.error.not_authorized"))
    assert link.events[0][0] is LinkEvent.REFUSED
    assert "observatory.ocsd.lab-1.control" in link.events[0][1]


def test_a_call_without_a_router_says_why_there_is_none(link):
    with pytest.raises(UnreachableError, match="not connected to the site's router: no router"):
        link.call("uri", "lab-2", {}, 2.0)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (fail(ApplicationError("wamp.error.no_such_procedure")), "no daemon of host 'lab-2' is"),
        (fail(ApplicationError("wamp.error.not_authorized")), "cannot be asked"),
        (succeed(None), "has not answered within 2 s"),
    ],
)
def test_a_host_that_cannot_be_asked_is_told_with_the_cause(link, answer, text):
    link._registrant.link = Router(answer)
    failures = []
    asked = link.call("uri", "lab-2", {"request": "status"}, 2.0)
    assert isinstance(asked, Deferred)
    asked.addErrback(lambda failure: failures.append(str(failure.value)))
    assert text in failures[0]
