"""Replies fit into one message, whatever an operation says."""

import cbor2
import pytest

from ocsd.agent.description import SESSIONS_BYTES, fitted
from ocsd.ocs_agent import OpSession, param

MIB = 2**20
LIMIT_BYTES = 16 * MIB


def talk(lines, length=2000):
    def func(session, params):
        for line in range(lines):
            session.add_message(f"{line} " + "é" * length)
        return True, "said"

    return func


def run(agent, reactor, **functions):
    for name, function in functions.items():
        agent.register_task(name, function)
        assert agent.start(name)[0] == 0
    reactor.advance(0)


def test_the_oldest_messages_are_left_out_by_size_and_counted(agent, reactor):
    run(agent, reactor, op=talk(10_000))
    session = agent.status("op")[2]
    texts = [text for _, text in session["messages"]]
    assert texts[-2:] == ["said", 'Status is now "done".']
    assert texts[0].startswith(f"{10_000 - len(texts) + 2} ")
    assert len(cbor2.dumps(session)) < 4.1 * MIB
    # Two more: the first statuses.
    assert session["messages_left_out"] + len(texts) == 10_000 + 4


def test_a_session_says_nothing_of_messages_that_are_only_old(agent, reactor):
    run(agent, reactor, op=talk(12_000, length=10))
    session = agent.status("op")[2]
    assert len(session["messages"]) == 10_000
    assert "messages_left_out" not in session


def test_the_last_messages_stay_however_large_they_are():
    session = OpSession(0, "op", purge_policy={"max_bytes": 10})
    for line in range(20):
        session.add_message(f"{line} is more than ten bytes")
    assert len(session.messages) == 5
    assert session.encoded()["messages_left_out"] == 16


def test_the_sessions_of_many_operations_fit_together(agent, reactor):
    def large_data(session, params):
        session.data = {"spectrum": [0.5] * 250_000}
        return True, "measured"

    run(agent, reactor, **{f"talk{number}": talk(2500) for number in range(4)})
    run(agent, reactor, **{f"data{number}": large_data for number in range(4)})
    run(agent, reactor, small=talk(3))
    describe = agent.procedures()["observatory.thermo1"]
    for query in ("get_api", "get_tasks"):
        assert len(cbor2.dumps(describe(query))) < LIMIT_BYTES
    sessions = {name: session for name, session, _ in describe("get_tasks")}
    assert len(sessions["small"]["messages"]) == 7
    assert sessions["talk0"]["messages_left_out"] > 1000
    assert sessions["talk0"]["messages"][-1][1] == 'Status is now "done".'
    assert sessions["data0"]["data_left_out"] is True
    assert sessions["data0"]["data"] is None
    assert agent.status("data0")[2]["data"] == {"spectrum": [0.5] * 250_000}


def test_sessions_that_fit_are_as_they_are():
    sessions = {"a": {"messages": [[1.0, "x"]], "data": {"b": 1}}, "c": {"messages": []}}
    assert fitted(sessions, SESSIONS_BYTES) == sessions
    assert fitted({}, SESSIONS_BYTES) == {}


def test_what_is_small_leaves_its_share_to_the_others():
    large = {"messages": [[1.0, "x" * 1000] for _ in range(1000)], "data": {}}
    sessions = {"large": large, **{f"small{n}": {"messages": []} for n in range(99)}}
    kept = fitted(sessions, 100_000)["large"]
    assert len(kept["messages"]) > 80
    assert kept["messages_left_out"] == 1000 - len(kept["messages"])


@pytest.mark.parametrize("params", [{"text": "x" * 20 * MIB}, {"text": 5, "y" * 20 * MIB: 1}])
def test_a_refusal_does_not_repeat_large_params(agent, params):
    @param("text", type=int)
    def func(session, params):
        return True, "done"

    agent.register_task("op", func)
    code, text, _ = agent.start("op", params)
    assert code == -1
    assert len(text) == 10_000


def test_a_large_default_does_not_spoil_the_description(agent):
    @param("table", default="x" * 20 * MIB)
    @param("choice", default=None, choices=["y" * MIB])
    def func(session, params):
        return True, "done"

    agent.register_task("op", func)
    assert len(cbor2.dumps(agent.procedures()["observatory.thermo1"]("get_api"))) < MIB
