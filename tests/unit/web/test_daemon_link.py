"""The control API of a daemon that hangs or goes away, without a socket."""

import json

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ocsd.web.refusals import AwayError
from ocsd.web.sources.daemon import ANSWER_LIMIT_S, DaemonLink

HEAD = b"HTTP/1.0 200 OK\r\n\r\n"


class Transport(StringTransport):
    """A connection whose end its protocol hears of, as of a real one."""

    protocol = None

    def abortConnection(self):
        self.protocol.connectionLost(Failure(ConnectionDone()))


class Reactor:
    """Connects when the test says so."""

    def __init__(self, clock):
        self.callLater = clock.callLater

    def connectUNIX(self, _path, factory, timeout):
        self.factory = factory

    def connect(self):
        transport = Transport()
        transport.protocol = self.factory.buildProtocol(None)
        transport.protocol.makeConnection(transport)
        return transport.protocol


@pytest.fixture
def reactor(clock):
    return Reactor(clock)


@pytest.fixture
def link(reactor, tmp_path):
    return DaemonLink(reactor, tmp_path / "control.sock")


def failure_of(asked):
    failures = []
    asked.addErrback(failures.append)
    return failures[0].value


def test_a_status_that_stops_in_the_middle_is_an_answer_no_more(link, reactor, clock):
    asked = Deferred.fromCoroutine(link.status())
    reactor.connect().dataReceived(HEAD + b'{"host": ')
    clock.advance(ANSWER_LIMIT_S)
    error = failure_of(asked)
    assert isinstance(error, AwayError)
    assert "has not answered for 2 s" in str(error)


def test_events_last_as_long_as_they_like(link, reactor, clock):
    lines = []
    asked = link.ask("/v1/events", lines.append)
    protocol = reactor.connect()
    protocol.dataReceived(HEAD)
    clock.advance(100 * ANSWER_LIMIT_S)
    protocol.dataReceived(b"data: {}\n")
    assert (lines, asked.called) == ([b"data: {}"], False)
    protocol.connectionLost()
    assert asked.called


def test_nobody_hears_that_there_is_no_daemon_after_giving_up(link, reactor):
    asked = link.ask("/v1/events", print)
    asked.cancel()
    reactor.factory.clientConnectionFailed(None, Failure(ConnectError()))
    failure_of(asked)


def test_no_viewer_gets_the_password_in_the_address_of_the_hub(link, reactor):
    asked = Deferred.fromCoroutine(link.status())
    url = "ws://ocs:se%40cret@hub:8001/ws"
    protocol = reactor.connect()
    protocol.dataReceived(HEAD + json.dumps({"hub": {"wamp_server": url}}).encode() + b"\n")
    protocol.connectionLost()
    answers = []
    asked.addCallback(answers.append)
    assert answers == [{"hub": {"wamp_server": "ws://hub:8001/ws"}}]
