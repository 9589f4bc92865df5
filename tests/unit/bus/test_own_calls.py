"""A program's calls to itself are the same on the wire as any other, though autobahn sees few."""

import contextlib
import socket
from types import SimpleNamespace

import cbor2
import pytest
from autobahn.wamp.request import Registration
from twisted.internet.protocol import Protocol
from twisted.internet.unix import Server

from ocsd.bus.own_calls import OwnCalls, are_possible
from ocsd.bus.wamp import CBORSerializer, QuietRawSocketProtocol, RouterLink, TransportLost

ADDRESS, QUESTION, ANSWER = "observatory.thermo1", "get_agent_class", "ThermoAgent"
SESSION, REGISTRATION = 7_000_000_000_000, 41
CALL, INVOCATION, YIELD, RESULT, ERROR = 48, 68, 70, 50, 8


class Router:
    """The far end of a link's socket, by which a test plays the router."""

    def __init__(self, far, raw):
        self._far, self._raw = far, raw
        self._unread = b""

    def sent(self):
        """Return the messages that the link has sent since the last time."""
        with contextlib.suppress(BlockingIOError):
            self._unread += self._far.recv(1 << 16)
        found = []
        while self._unread:
            end = 4 + int.from_bytes(self._unread[:4], "big")
            found.append(cbor2.loads(self._unread[4:end]))
            self._unread = self._unread[end:]
        return found

    def send(self, *message):
        self._raw.stringReceived(cbor2.dumps(list(message)))

    def invoke(self, number, question=QUESTION, caller=SESSION, **more):
        self.send(INVOCATION, number, REGISTRATION, {"caller": caller, **more}, [question])


@pytest.fixture
def described():
    """The questions that the endpoint was asked."""
    return []


@pytest.fixture
def link(described):
    link = RouterLink("realm", SimpleNamespace())
    link._session_id = SESSION

    def describe(question="get_api"):
        described.append(question)
        return {"get_agent_class": ANSWER}.get(question)

    endpoint = SimpleNamespace(fn=describe, obj=None, details_arg=None)
    link._registrations[REGISTRATION] = Registration(link, REGISTRATION, ADDRESS, endpoint)
    return link


@pytest.fixture
def router(link):
    near, far = socket.socketpair()
    for each in (near, far):
        each.setblocking(False)
    reactor = SimpleNamespace(**dict.fromkeys(("addReader", "removeReader"), lambda _: None))
    raw = QuietRawSocketProtocol()
    raw.transport = Server(near, Protocol(), "", None, 1, reactor)
    # autobahn's own messages would wait for a turn of the reactor.
    raw.sendString = lambda data: raw.transport.socket.send(len(data).to_bytes(4, "big") + data)
    raw._session, raw._serializer, raw._max_len_send = link, CBORSerializer(), 1 << 24
    link._transport = raw
    yield Router(far, raw)
    near.close()
    far.close()


@pytest.fixture
def calls(link, router):
    link.own_calls = OwnCalls(link, ADDRESS, QUESTION, ANSWER)
    return link.own_calls


@pytest.fixture
def taught(calls, router, described):
    """Calls of which the first has been made."""
    heard = []
    calls.make().addCallback(heard.append)
    assert router.sent() == [[CALL, 1, {}, ADDRESS, [QUESTION]]]
    router.invoke(300)
    assert router.sent() == [[YIELD, 300, {}, [ANSWER]]]
    router.send(RESULT, 1, {}, [ANSWER])
    assert heard == [ANSWER]
    assert described == [QUESTION]
    described.clear()
    return calls


def test_later_calls_are_the_same_on_the_wire_and_ask_no_endpoint(taught, router, link, described):
    for request, invocation in ((2, 23), (3, 24), (4, 70_000), (5, 1 << 33)):
        heard = []
        taught.make().addCallback(heard.append)
        assert router.sent() == [[CALL, request, {}, ADDRESS, [QUESTION]]]
        router.invoke(invocation)
        assert router.sent() == [[YIELD, invocation, {}, [ANSWER]]]
        assert not heard
        router.send(RESULT, request, {}, [ANSWER])
        assert heard == [ANSWER]
    assert described == []
    assert link._call_reqs == {}


def test_calls_of_others_and_other_questions_go_to_the_endpoint(taught, router, described):
    router.invoke(301, caller=SESSION + 1)
    router.invoke(302, question="get_feeds")
    router.invoke(303, forward_for=[])
    assert router.sent() == [
        [YIELD, 301, {}, [ANSWER]],
        [YIELD, 302, {}, [None]],
        [YIELD, 303, {}, [ANSWER]],
    ]
    assert described == [QUESTION, "get_feeds", QUESTION]


def test_a_router_that_does_not_say_who_calls_teaches_nothing(calls, router, described):
    for number in (300, 301):
        router.send(INVOCATION, number, REGISTRATION, {}, [QUESTION])
    assert described == [QUESTION, QUESTION]


def test_an_error_fails_the_call(taught, router):
    failed = []
    taught.make().addErrback(lambda failure: failed.append(str(failure.value)))
    router.send(ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ["nobody there"])
    assert "nobody there" in failed[0]


def test_the_end_of_the_link_fails_what_waits_and_what_comes(taught, link):
    failed = []
    taught.make().addErrback(lambda failure: failed.append(failure.type))
    link.onClose(True)
    assert len(failed) == 1
    with pytest.raises(TransportLost):
        taught.make()


def test_another_call_with_the_same_answer_is_not_taken_for_its_own(taught, link, router):
    heard = []
    link.call("observatory.thermo2", QUESTION).addCallback(heard.append)
    assert router.sent() == [[CALL, 2, {}, "observatory.thermo2", [QUESTION]]]
    router.send(RESULT, 2, {}, [ANSWER])
    assert heard == [ANSWER]


def test_they_are_for_raw_sockets_with_cbor(link, router):
    assert are_possible(link)
    link._transport = SimpleNamespace(_serializer=CBORSerializer())
    assert not are_possible(link)
