"""What counts as an answer of a router, and calls that it answers no more."""

from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from ocsd.bridge import link as module
from ocsd.bridge.link import LINK_LOST, SILENCE_ENDS_LINK_S, BridgeLink
from ocsd.bus.wamp import Call, CloseDetails, Error, Invocation, Result


class Transport:
    def __init__(self):
        self.sent = []

    def send(self, msg):
        self.sent.append(msg)


class Scene:
    def __init__(self, clock):
        self.clock = clock
        self.answers = 0
        self.dropped = 0
        self.link, self.transport = self.new_link()

    def new_link(self):
        connector = SimpleNamespace(
            side=SimpleNamespace(), link_left=lambda *_: None, drop_slow=self.drop
        )
        link = BridgeLink("realm", connector, "bridge")
        link._transport, link._session_id = Transport(), 7
        return link, link._transport

    def drop(self):
        self.dropped += 1

    def answered(self):
        self.answers += 1

    def probe(self):
        """Ask the router; return the number of the call."""
        self.link.probe(self.answered)
        return self.transport.sent[-1].request


@pytest.fixture
def scene(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "the_reactor", lambda: clock)
    return Scene(clock)


def test_an_answer_and_a_refusal_prove_that_the_router_works(scene):
    scene.link.onMessage(Result(scene.probe(), args=[3]))
    assert scene.answers == 1
    scene.link.onMessage(Error(Call.MESSAGE_TYPE, scene.probe(), "wamp.error.not_authorized"))
    assert scene.answers == 2
    assert scene.clock.getDelayedCalls() == []


def test_the_end_of_the_session_proves_nothing(scene):
    """The router may not have read what was sent before it said good-bye."""
    scene.probe()
    scene.link.onLeave(CloseDetails("wamp.close.system_shutdown", ""))
    assert scene.answers == 0


def test_a_router_that_is_silent_is_dropped(scene):
    scene.probe()
    scene.clock.advance(SILENCE_ENDS_LINK_S)
    assert scene.dropped == 1


def test_a_link_that_has_ended_does_not_drop_the_next_one(scene):
    scene.link.onLeave(CloseDetails("wamp.close.system_shutdown", ""))
    scene.probe()
    scene.link._transport = None
    scene.clock.advance(SILENCE_ENDS_LINK_S)
    assert scene.dropped == 0


def test_a_call_after_the_end_of_the_session_gets_an_error(scene):
    asker, heard = scene.new_link()
    scene.link.onLeave(CloseDetails("wamp.close.system_shutdown", ""))
    scene.link.ask(asker, Invocation(5, 6, args=[]), "observatory.a.ops", None)
    scene.link.onDisconnect()
    [answer] = heard.sent
    assert (answer.request, answer.error) == (5, LINK_LOST)
