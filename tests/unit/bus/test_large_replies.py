"""A reply that is too large becomes an error, so that nobody waits in vain."""

import pytest
from autobahn.exception import PayloadExceededError
from autobahn.wamp.message import Error, Publish, Yield
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs

from ocsd.bus.wamp import (
    COMPLAINT_SHOWN_S,
    CBORSerializer,
    QuietRawSocketProtocol,
    RouterLink,
    _AlwaysAnswering,
)


class Transport:
    """Sends what has at most 1000 characters."""

    def __init__(self):
        self.sent = []

    def send(self, msg):
        if len(str(msg.args)) > 1000:
            raise PayloadExceededError(f"{len(str(msg.args))} of 1000")
        self.sent.append(msg)


class Answering(_AlwaysAnswering, Transport):
    def __init__(self):
        super().__init__()
        self._session = RouterLink("test_realm", None)


@pytest.mark.parametrize(
    "reply", [Yield(7, args=["x" * 2000]), Error(68, 7, "app.error", args=["x" * 2000])]
)
def test_a_reply_that_is_too_large_becomes_an_error_that_fits(reply):
    transport = Answering()
    with capturedLogs() as logs:
        transport.send(reply)
    [error] = transport.sent
    assert (error.request_type, error.request) == (68, 7)
    assert error.error == "wamp.error.payload_size_exceeded"
    assert error.args == ["the reply is too large: 2004 of 1000"]
    assert [event["log_level"].name for event in logs] == ["error"]
    link = transport._session
    at_s = link._large_reply[1]
    assert link.complaint(at_s + 1) == "the reply is too large: 2004 of 1000"
    # A little later, because a sum of floats is rounded.
    assert link.complaint(at_s + COMPLAINT_SHOWN_S + 0.001) == ""


def test_what_is_no_reply_raises_in_the_caller():
    transport = Answering()
    with pytest.raises(PayloadExceededError):
        transport.send(Publish(7, "observatory.a.feeds.f", args=["x" * 2000]))
    transport.send(Yield(7, args=["x"]))
    assert len(transport.sent) == 1
    assert transport._session.complaint(0.0) == ""


def test_the_raw_socket_of_agents_answers_as_well():
    protocol = QuietRawSocketProtocol()
    protocol.transport = StringTransport()
    protocol._session = RouterLink("test_realm", None)
    protocol._serializer = CBORSerializer()
    protocol._max_len_send = 1000
    with capturedLogs():
        protocol.send(Yield(7, args=["x" * 2000]))
    [answer] = protocol._serializer.unserialize(protocol.transport.value()[4:], True)
    assert answer.error == "wamp.error.payload_size_exceeded"
    assert "size 2009 exceeding payload limit of 1000" in answer.args[0]
