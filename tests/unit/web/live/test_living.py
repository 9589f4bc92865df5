"""Viewers of live values, and what a defect in one of them costs the others."""

import pytest

from ocsd.reactor.threads import the_reactor
from ocsd.web.api.living import Living
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
    living = Living(None, None, Seats(), None)
    first, last = Viewer(), Viewer(has_defect=True)
    living._waiting = [first, last]
    with pytest.raises(KeyError):
        living._go_on()
    [call] = the_reactor().getDelayedCalls()
    call.cancel()
    living._go_on()
    assert (first.beats, last.beats) == (1, 1)
