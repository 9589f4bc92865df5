"""The count of what came from each feed."""

import struct
from types import SimpleNamespace

from ocsd.web.live.tally import Tallies


def message(at, arrived_at):
    layout = SimpleNamespace(origin=SimpleNamespace(address="a.b.feeds.c"), kinds={"x": None})
    block = SimpleNamespace(layout=layout, length=1, content=struct.pack("=d", at))
    return SimpleNamespace(blocks=(block,), arrived_at=arrived_at)


def test_a_sample_of_a_clock_that_is_ahead_is_not_the_newest_for_ever():
    tallies = Tallies()
    tallies.add(message(4e9, 1000.0))
    tallies.add(message(1001.0, 1001.5))
    assert tallies.feeds["a.b.feeds.c"].newest_at == 1001.0
