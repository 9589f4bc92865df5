"""Viewers of live values, and what a defect in one of them costs the others."""

import json

import pytest

from ocsd.reactor.threads import the_reactor
from ocsd.web.api.living import Living
from ocsd.web.live.latest import LatestValue
from ocsd.web.server.seats import Seats


class Viewer:
    """A viewer that may have a defect."""

    def __init__(self, *, has_defect=False):
        self.has_defect = has_defect
        self.beats = 0

    def beat(self):
        self.beats += 1
        if self.has_defect:
            raise KeyError("a defect")


def test_a_viewer_with_a_defect_does_not_stop_the_others():
    living = Living(None, None, Seats())
    first, last = Viewer(), Viewer(has_defect=True)
    living._waiting = [first, last]
    with pytest.raises(KeyError):
        living._go_on()
    [call] = the_reactor().getDelayedCalls()
    call.cancel()
    living._go_on()
    assert (first.beats, last.beats) == (1, 1)


class Journal:
    """The newest values, and how often somebody has asked for them."""

    def __init__(self, *fields):
        self.values = [LatestValue(field, 1.5, 5.0, "", "") for field in fields]
        self.asked = 0

    def latest(self):
        self.asked += 1
        return self.values


def test_the_values_are_read_once_for_all_patterns():
    living = Living(None, None, Seats())
    living._live = Journal("observatory.a.feeds.temps.x", "observatory.b.feeds.temps.y")

    def fields(pattern):
        return [each["field"][-1] for each in json.loads(living.latest(pattern))["values"]]

    found = [fields(pattern) for pattern in ("", "a", "b", "*.y", "c")]
    assert found == [["x", "y"], ["x"], ["y"], ["y"], []]
    assert living._live.asked == 1
