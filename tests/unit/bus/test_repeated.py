"""A publication that is encoded once is the same on the wire as one that is encoded each time."""

import contextlib
import socket
from itertools import count
from types import SimpleNamespace

import cbor2
import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.unix import Server

from ocsd.bus.repeated import RepeatedPublication, write_at_once
from ocsd.bus.wamp import (
    CBORSerializer,
    JsonSerializer,
    Publish,
    TransportLost,
    WampRawSocketClientProtocol,
)

TOPIC = "observatory.thermo1.feeds.heartbeat"


class Session:
    """Takes what is published, as bytes."""

    def __init__(self, serializer):
        self.sent = []
        self.transport = SimpleNamespace(_serializer=serializer, send=self.send)
        self.requests = iter((23, 24, 256, 70000))
        self.link = SimpleNamespace(_request_id_gen=SimpleNamespace(next=self.requests.__next__))

    def send(self, message):
        self.sent.append(self.transport._serializer.serialize(message)[0])

    def publish(self, topic, *args):
        self.send(Publish(next(self.requests), topic, args=list(args)))


@pytest.mark.parametrize("serializer", [CBORSerializer(), JsonSerializer()])
def test_it_is_the_same_on_the_wire(serializer):
    repeated, usual = Session(serializer), Session(serializer)
    publish = RepeatedPublication(repeated)
    steps = [
        ({"acq": 3}, {}, 9),
        ({"acq": 3}, {}, 10),
        ({"acq": 5}, {}, 24),
        ({"acq": 5}, {"a": 1}, 1 << 33),
    ]
    for codes, feeds, number in steps:
        info = {"agent_address": "observatory.thermo1", "agg_params": {}, "feeds": feeds}
        publish(TOPIC, [codes, info], number)
        usual.publish(TOPIC, [codes, {**info, "seq": number}])
    assert repeated.sent == usual.sent


class Writers:
    """Stands for the reactor: knows who waits to write."""

    def __init__(self):
        self.waiting = []

    def addReader(self, reader):
        pass

    def removeReader(self, reader):
        pass

    def addWriter(self, writer):
        self.waiting.append(writer)

    def removeWriter(self, writer):
        if writer in self.waiting:
            self.waiting.remove(writer)

    def callLater(self, _delay_s, function, *args):
        function(*args)


@pytest.fixture
def writers():
    return Writers()


@pytest.fixture
def far_end(writers):
    """A transport over a Unix socket, and the other end of that."""
    near, far = socket.socketpair()
    for each in (near, far):
        each.setblocking(False)
    transport = Server(near, Protocol(), "", None, 1, writers)
    yield transport, far
    near.close()
    far.close()


def received(transport, far, writers):
    """Return what comes until nothing is left to write."""
    data = b""
    while True:
        with contextlib.suppress(BlockingIOError):
            while more := far.recv(1 << 20):
                data += more
        if transport not in writers.waiting:
            return data
        transport.doWrite()


def test_a_message_is_sent_without_a_turn_of_the_reactor(far_end, writers):
    transport, far = far_end
    write_at_once(transport, b"heartbeat")
    assert (far.recv(100), writers.waiting) == (b"heartbeat", [])


@pytest.mark.parametrize("turns", [0, 1])
def test_no_message_overtakes_those_that_still_wait(far_end, writers, turns):
    transport, far = far_end
    before = bytes(1 << 22)
    transport.write(before)
    for _ in range(turns):
        transport.doWrite()
    write_at_once(transport, b"heartbeat")
    write_at_once(transport, b"another")
    assert received(transport, far, writers) == before + b"heartbeatanother"


def test_what_the_other_end_does_not_take_at_once_follows(far_end, writers):
    transport, far = far_end
    message = bytes(range(256)) * (1 << 14)
    write_at_once(transport, message)
    write_at_once(transport, b"heartbeat")
    assert received(transport, far, writers) == message + b"heartbeat"


def test_a_connection_that_has_ended_is_left_to_the_reactor(far_end, writers):
    transport, far = far_end
    far.close()
    write_at_once(transport, b"heartbeat")
    assert writers.waiting == [transport]


def link_over(transport, first_request=1):
    """Return a link with an open raw socket over a transport."""
    raw = WampRawSocketClientProtocol()
    raw.transport = transport
    raw._session, raw._serializer, raw._max_len_send = object(), CBORSerializer(), 1 << 24
    numbers = SimpleNamespace(next=count(first_request).__next__)
    return SimpleNamespace(_request_id_gen=numbers, transport=raw)


def test_over_a_raw_socket_all_go_at_once_whatever_the_length_of_their_numbers(far_end, writers):
    transport, far = far_end
    link = link_over(transport, 250)
    publish = RepeatedPublication(SimpleNamespace(link=link, transport=link.transport))
    message = [{"acq": 3}, {"feeds": {}}]
    for number in (0, 23, 24, 255, 256, 65535, 65536, 1 << 32, 1 << 53):
        publish(TOPIC, message, number)
    assert not writers.waiting
    frames, requests, numbers = received(transport, far, writers), [], []
    while frames:
        end = 4 + int.from_bytes(frames[:4], "big")
        kind, request, options, topic, [[codes, info]] = cbor2.loads(frames[4:end])
        assert (kind, options, topic, codes) == (Publish.MESSAGE_TYPE, {}, TOPIC, {"acq": 3})
        requests.append(request)
        numbers.append(info["seq"])
        frames = frames[end:]
    assert requests == list(range(250, 259))
    assert numbers == [0, 23, 24, 255, 256, 65535, 65536, 1 << 32, 1 << 53]


def test_a_message_goes_over_the_present_link_and_over_no_closed_one(far_end, writers):
    transport, far = far_end
    first, second = link_over(transport), link_over(transport, 100)
    session = SimpleNamespace(link=first, transport=first.transport)
    publish, message = RepeatedPublication(session), [{"acq": 3}, {}]
    publish(TOPIC, message, 1)
    session.link, session.transport = second, second.transport
    publish(TOPIC, message, 2)
    second.transport._session = None
    with pytest.raises(TransportLost):
        publish(TOPIC, message, 3)
    sent = received(transport, far, writers)
    assert sent.count(b"heartbeat") == 2
    assert b"\x85\x10\x18\x64" in sent  # the second link's request 100
