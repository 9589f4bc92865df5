"""Whether a router that this daemon does not run can be reached."""

import pytest
from twisted.internet.testing import MemoryReactorClock

from ocsd.daemon.surroundings.external_router import ExternalRouter, Reach, reach
from ocsd.site.model import Hub
from tests.unit.daemon.timers import cancel_timers

URL = "ws://hub.lab:8001/ws"


@pytest.mark.parametrize(
    ("waited_s", "answered", "health"),
    [
        (0.0, False, None),
        (0.0, True, "ok"),
        (5.0, True, "ok"),
        (9.0, True, "hung"),
        (9.0, False, "hung"),
    ],
)
def test_silence_counts_after_a_while(waited_s, answered, health):
    assert reach(waited_s, answered, URL).health == health


def test_a_router_that_is_away_says_for_how_long_and_where():
    assert reach(20.4, True, URL).reason == f"not reachable for 20 s: no answer at {URL}"


def connected(reactor):
    """Return the last conversation, as if its connection had been made."""
    from twisted.internet.testing import StringTransport

    host, port, factory, *_ = reactor.tcpClients[-1]
    protocol = factory.buildProtocol(None)
    transport = StringTransport()
    transport.abortConnection = lambda: None
    protocol.makeConnection(transport)
    return host, port, protocol, transport


def test_a_router_is_asked_to_speak_wamp_and_any_answer_will_do():
    reactor = MemoryReactorClock()
    router = ExternalRouter(Hub(wamp_server=URL), reactor)
    router.start()
    host, port, protocol, transport = connected(reactor)
    assert (host, port) == ("hub.lab", 8001)
    assert b"Upgrade: websocket" in transport.value()
    assert router.reach() == Reach()
    protocol.dataReceived(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert router.reach() == Reach("ok")
    protocol.connectionLost()
    reactor.pump([1.0] * 20)
    assert router.reach().health == "hung"
    cancel_timers(reactor)


def test_with_tls_a_connection_is_answer_enough():
    reactor = MemoryReactorClock()
    router = ExternalRouter(Hub(wamp_server="wss://hub.lab/ws"), reactor)
    router.start()
    _, port, _, transport = connected(reactor)
    assert (port, transport.value()) == (443, b"")
    assert router.reach() == Reach("ok")
    cancel_timers(reactor)
