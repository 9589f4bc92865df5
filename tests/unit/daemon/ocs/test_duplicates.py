"""A daemon hears from bridges that one of its instances has a namesake."""

from types import SimpleNamespace

from ocsd.daemon.ocs.duplicates import TOLD_FOR_S, DuplicateNames
from ocsd.supervisor.events import State


class Clock:
    now_s = 0.0


def names(clock, **states):
    """Return the part, for a fleet with instances in these states."""
    lives = {name: SimpleNamespace(life=SimpleNamespace(state=at)) for name, at in states.items()}
    return DuplicateNames(SimpleNamespace(keeper=lives.get), lambda: clock.now_s)


def test_a_namesake_is_told_while_a_bridge_tells_it():
    clock = Clock()
    found = names(clock, thermo1=State.UP)
    found.heard({"instance_id": "thermo1", "host": "dome"}, None)
    assert "'thermo1' is in use on this host and on host 'dome'" in found.trouble()
    clock.now_s = TOLD_FOR_S
    assert found.trouble() == ""


def test_names_that_do_not_run_here_and_what_is_no_message_are_ignored():
    found = names(Clock(), thermo1=State.DOWN)
    for told in ({"instance_id": "thermo1", "host": "dome"}, {"host": "dome"}, 5, None):
        found.heard(told)
    found.heard({"instance_id": "other", "host": "dome"})
    assert found.trouble() == ""
