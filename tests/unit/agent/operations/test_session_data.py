"""Session data: values that clients cannot read are named and left out."""

import math
import threading

import cbor2
import numpy as np
import pytest

from ocsd.agent.wellbeing.readiness import trouble_of
from ocsd.bus.encoding import LONGEST_DATA_BYTES, json_safe
from ocsd.ocs_agent import OpSession
from tests.unit.agent.faulty_runs import (
    NOT_UNICODE,
    Hostile,
    check_the_agent_goes_on,
    fault_of,
    run,
    status_line,
)


def cycle():
    data = {"name": "x"}
    data["me"] = data
    return data


def deep():
    data = []
    for _ in range(5000):
        data = [data]
    return data


@pytest.mark.parametrize(
    ("data", "what", "told"),
    [
        ({"a": {"b": math.inf}}, "session.data['a']['b'] holds inf", {"a": {"b": None}}),
        ({"a": [1, -math.inf]}, "session.data['a'][1] holds -inf", {"a": [1, None]}),
        ({"a": np.array([np.inf])}, "session.data['a'][0] holds inf", {"a": [None]}),
        ({"a": b"\xff"}, "session.data['a'] holds bytes b'\\xff'", {"a": "b'\\xff'"}),
        ({"a": 1j}, "holds complex 1j", {"a": "1j"}),
        ({"a": Hostile()}, "holds Hostile", {"a": "Hostile (whose repr fails)"}),
        (cycle(), "session.data['me'] holds itself", {"name": "x", "me": None}),
        ({"a": "x" * 5_000_000}, "session.data['a'] holds more than 4 MiB", {"a": None}),
        (
            {"a": list(range(10**6)), "b": 1},
            "session.data['a'] holds more than 4 MiB",
            {"a": None, "b": 1},
        ),
        ({"a": np.zeros(10**7)}, "session.data['a'] holds more than 4 MiB", {"a": None}),
    ],
    ids=["inf", "-inf", "array", "bytes", "complex", "object", "cycle", "text", "list", "large"],
)
def test_data_that_json_cannot_hold_fail_the_operation_only(agent, reactor, data, what, told):
    def func(session, params):
        session.data = data
        return True, "done"

    session = run(agent, reactor, func)
    assert what in fault_of(session)
    assert "operation 'op'" in fault_of(session)
    assert session["data"] == told
    assert what in status_line(agent)
    check_the_agent_goes_on(agent, reactor)


def test_data_that_are_nested_too_deeply_are_cut(agent, reactor):
    def func(session, params):
        session.data = deep()
        return True, "done"

    assert "more than 100 levels" in fault_of(run(agent, reactor, func))


@pytest.mark.parametrize("data", [None, "text", 5, [1]])
def test_data_of_another_shape_are_passed_on(agent, reactor, data):
    def func(session, params):
        session.data = data
        return True, "done"

    assert run(agent, reactor, func)["data"] == data


def test_keys_become_text():
    assert json_safe({1: 2, None: 3, (4,): 5}) == {"1": 2, "None": 3, "(4,)": 5}


def test_the_limit_holds_for_many_small_things_together():
    lists = [[0] * 1000 for _ in range(10_000)]
    complaints = []
    kept = json_safe(lists, complaints.append)
    assert complaints
    assert 16 * sum(len(each) for each in kept if each) <= LONGEST_DATA_BYTES


def test_a_fault_of_the_data_ends_with_its_cause():
    session = OpSession(0, "acq")
    session.enter()
    session.data = {"a": math.inf}
    session.reply()
    assert "holds inf" in trouble_of([session], set())
    session.data = {"a": 1.0}
    session.reply()
    assert trouble_of([session], set()) == ""
    session.finish(True, "stopped")
    assert session.success is True


def test_data_may_change_in_a_thread_while_they_are_sent():
    session = OpSession(0, "acq")
    over = threading.Event()

    def change():
        number = 0
        while not over.is_set():
            number += 1
            session.data[f"k{number % 500}"] = {"n": list(range(number % 50))}
            session.data.pop(f"k{(number + 250) % 500}", None)

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    try:
        replies = [session.reply() for _ in range(300)]
    finally:
        over.set()
        thread.join(10)
    assert len(replies) == 300
    assert session.fault is None


def test_a_message_may_be_anything():
    session = OpSession(0, "acq")
    session.add_message(ValueError("as an object"))
    session.add_message(Hostile())
    session.add_message("x" * 10**6)
    texts = [text for _, text in session.reply()["messages"][1:]]
    assert texts[:2] == ["as an object", "Hostile (whose repr fails)"]
    assert len(texts[2]) == 10_000


def test_text_that_is_not_unicode_leaves_the_agent_readable(agent, reactor):
    def read_folder(session, params):
        session.add_message(NOT_UNICODE)
        session.data = {"file": NOT_UNICODE, NOT_UNICODE: 1}
        return True, NOT_UNICODE

    seen = run(agent, reactor, read_folder)
    assert "session.data['file'] holds" in fault_of(seen)
    cbor2.dumps(agent.procedures()["observatory.thermo1"]("get_api"))
    assert seen["data"] == {"file": "caf?", "caf?": 1}
