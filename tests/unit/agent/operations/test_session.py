import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.base import OpCode
from ocsd.bus.encoding import json_safe
from ocsd.ocs_agent import OpSession


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class App:
    def __init__(self):
        self.lines = []
        self.log = self

    def info(self, template, /, **fields):
        self.lines.append(template.format(**fields))

    warn = error = info


def session(**options):
    return OpSession(3, "acq", clock=Time(), **options)


def test_a_new_session_is_starting():
    new = session().encoded()
    assert new == {
        "session_id": 3,
        "op_name": "acq",
        "op_code": 2,
        "cred_level": 1,
        "status": "starting",
        "degraded": False,
        "success": None,
        "start_time": 1000.0,
        "end_time": None,
        "data": {},
        "messages": [[1000.0, 'Status is now "starting".']],
    }


def test_status_moves_forward_only():
    run = session()
    run.set_status("stopping")
    with pytest.raises(ValueError, match="cannot go back from 'stopping' to 'running'"):
        run.set_status("running")
    assert run.status == "stopping"


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="none of starting"):
        session().set_status("paused")


def test_entering_does_not_hide_a_request_to_stop():
    run = session()
    run.set_status("stopping")
    run.enter()
    assert run.status == "stopping"


def test_the_end_has_a_time_and_a_message():
    run = session()
    run._clock.now = 1005.0
    run.finish(True, "All done.")
    assert (run.success, run.end_time) == (True, 1005.0)
    assert [text for _, text in run.messages[1:]] == ["All done.", 'Status is now "done".']


@pytest.mark.parametrize(
    ("status", "degraded", "success", "code"),
    [
        ("starting", False, None, OpCode.STARTING),
        ("running", False, None, OpCode.RUNNING),
        ("running", True, None, OpCode.DEGRADED),
        ("stopping", True, None, OpCode.STOPPING),
        ("done", False, True, OpCode.SUCCEEDED),
        ("done", False, False, OpCode.FAILED),
    ],
)
def test_the_op_code_sums_up(status, degraded, success, code):
    run = session()
    run.set_status(status)
    run.degraded, run.success = degraded, success
    assert run.op_code is code


def test_those_who_wait_are_released_at_the_end():
    run = session()
    released = []
    run.ended().addCallback(released.append)
    assert released == []
    run.finish(True, "ok")
    run.ended().addCallback(released.append)
    assert released == [None, None]


def test_the_last_five_messages_are_kept_however_old():
    run = session()
    for number in range(8):
        run.add_message(f"old {number}")
    run._clock.now += 7200
    assert [text for _, text in run.encoded()["messages"]] == [f"old {n}" for n in range(3, 8)]


def test_an_hour_of_messages_is_kept_up_to_a_limit():
    run = session(purge_policy={"max_messages": 50})
    for number in range(60):
        run.add_message(str(number))
    assert len(run.messages) == 50
    assert run.messages[-1][1] == "59"


def test_nan_becomes_null_and_arrays_become_lists():
    run = session()
    run.data = {
        "a": math.nan,
        "b": np.array([1.0, math.nan]),
        "c": np.int32(4),
        "d": (1, True),
        5: None,
    }
    assert run.encoded()["data"] == {"a": None, "b": [1.0, None], "c": 4, "d": [1, True], "5": None}


def test_an_infinity_is_the_authors_error_but_no_clients_trouble():
    app = App()
    run = session(app=app)
    run.data = {"a": math.inf, "b": 2}
    with pytest.raises(ValueError, match="inf"):
        run.encoded()
    assert run.reply()["data"] == run.reply()["data"] == {"a": None, "b": 2}
    assert len([line for line in app.lines if "session.data['a'] holds inf" in line]) == 1


def test_an_object_in_the_data_does_not_break_replies():
    run = session()
    run.data = {"when": complex(1, 2)}
    assert run.reply()["data"] == {"when": "(1+2j)"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(values)
def test_replies_are_always_valid_json(value):
    json.dumps(json_safe(value, complain=lambda _: None), allow_nan=False)
