"""A publication that is encoded once is the same on the wire as one that is encoded each time."""

from types import SimpleNamespace

import pytest
from autobahn.wamp.message import Publish
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer

from ocsd.bus.repeated import RepeatedPublication

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
