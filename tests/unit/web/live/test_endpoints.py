"""Viewers of live values, and what a defect in one of them costs the others."""

import json

import pytest

from ocsd.reactor.threads import the_reactor
from ocsd.web.api.live import LiveEndpoints
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
    endpoints = LiveEndpoints(None, None, Seats())
    first, last = Viewer(), Viewer(has_defect=True)
    endpoints._waiting = [first, last]
    before = set(the_reactor().getDelayedCalls())
    with pytest.raises(KeyError):
        endpoints._go_on()
    [call] = set(the_reactor().getDelayedCalls()) - before
    call.cancel()
    endpoints._go_on()
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
    endpoints = LiveEndpoints(None, None, Seats())
    endpoints._live = Journal("observatory.a.feeds.temps.x", "observatory.b.feeds.temps.y")

    def fields(pattern):
        return [each["field"][-1] for each in json.loads(endpoints.latest(pattern))["values"]]

    found = [fields(pattern) for pattern in ("", "a", "b", "*.y", "c")]
    assert found == [["x", "y"], ["x"], ["y"], ["y"], []]
    found = json.loads(endpoints.latest("", "TEMPS x"))["values"]
    assert [each["field"][-1] for each in found] == ["x"]
    assert endpoints._live.asked == 1
