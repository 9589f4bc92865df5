"""The rules of an agent, and the messages of its director that change them."""

import pytest

from ocsd.access.controls import NOTHING_ALLOWED, Controls, from_kept, kept
from ocsd.access.level_rules import credentials, free_level
from ocsd.access.levels import CredLevel
from ocsd.access.scope import AccessTarget

INFO = {"session_id": "director's first life"}
RULES = [free_level().as_json()]


def message(step=2, **more):
    return {"ac_version": 1, "step": step, "rules": RULES, "reset": True, **more}


def told(controls, message, info=INFO):
    return controls.after(message, info, "thermo1")


def test_until_a_director_speaks_everybody_is_blocked():
    target = AccessTarget("A", "a")
    assert credentials(NOTHING_ALLOWED, target, "").level is CredLevel.BLOCKED
    assert Controls().updates == 0


def test_a_message_replaces_all_rules():
    controls = told(Controls(), message())
    assert (controls.rules, controls.step, controls.updates) == ((free_level(),), 2, 1)
    assert told(controls, message(3, rules=[])).rules == ()


def test_a_message_for_one_agent_changes_no_other():
    own = {**message(), "reset": None, "target": "thermo1"}
    assert told(Controls(), own).updates == 1
    controls = Controls()
    assert told(controls, {**own, "target": "thermo2"}) is controls


def test_steps_do_not_go_back_in_one_life_of_the_director():
    controls = told(Controls(), message(5))
    assert told(controls, message(5)).updates == 2
    with pytest.raises(ValueError, match="step 4"):
        told(controls, message(4))
    assert told(controls, message(1), {"session_id": "its second life"}).step == 1
    assert told(controls, message(1), None).step == 1


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        message(ac_version=2),
        message(step="3"),
        message(rules=None),
        message(rules=[{"cred_level": 17}]),
    ],
)
def test_a_message_that_is_not_right_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        told(Controls(), wrong)


def test_kept_rules_are_those_that_were_told():
    controls = told(Controls(), message(5))
    again = from_kept(kept(controls))
    assert (again.rules, again.step, again.updates) == (controls.rules, 0, 0)


@pytest.mark.parametrize("data", [None, [], {}, {"ac_version": 1}, {"ac_version": 7, "rules": []}])
def test_kept_rules_that_cannot_be_read_are_refused(data):
    with pytest.raises(ValueError, match=r"."):
        from_kept(data)
