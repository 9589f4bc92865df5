"""The answers are those that OCS's clients match on (docs/reference/wire.md)."""

import os
import socket
from unittest.mock import MagicMock

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks

from ocsd.ocs_agent import OCSAgent, param


def answer(deferred):
    answers = []
    deferred.addCallback(answers.append)
    return answers[0] if answers else None


@pytest.fixture
def job(agent):
    """A non-blocking task that ends when the test says so."""
    ends = []

    def func(session, params):
        ends.append(Deferred())
        return ends[-1]

    agent.register_task("job", func, blocking=False)
    return ends


def test_a_task_runs_to_success(agent, reactor, job):
    code, text, session = agent.start("job")
    assert (code, text, session["status"]) == (0, 'Started task "job".', "starting")
    reactor.advance(0)
    assert agent.status("job")[2]["status"] == "running"
    job[0].callback((True, "well done"))
    code, text, session = answer(agent.wait("job"))
    assert (code, text) == (0, 'Operation "job" is currently not running (SUCCEEDED).')
    assert session["success"] is True
    assert [m[1] for m in session["messages"]] == [
        'Status is now "starting".',
        'Status is now "running".',
        "well done",
        'Status is now "done".',
    ]


def test_a_blocking_process_says_that_it_started(agent):
    agent.register_process("acq", lambda session, params: (True, "ok"), lambda s, p: None)
    assert agent.start("acq")[:2] == (0, 'Started process "acq".')


def test_an_unknown_operation_is_refused_by_every_action(agent):
    assert agent.start("x") == (-1, 'No task or process called "x"', {})
    assert answer(agent.wait("x")) == (-1, 'Unknown operation "x".', {})
    assert agent.stop("x")[0] == agent.abort("x")[0] == agent.status("x")[0] == -1


def test_an_active_operation_is_not_started_again(agent, reactor, job):
    agent.start("job")
    code, text, session = agent.start("job")
    assert (code, text, session["session_id"]) == (
        -1,
        'Operation "job" already in progress.',
        0,
    )
    reactor.advance(0)


def test_session_ids_count_all_runs_of_all_operations(agent):
    agent.register_task("a", lambda session, params: (True, ""))
    agent.register_task("b", lambda session, params: (True, ""))
    assert [agent.start(name)[2]["session_id"] for name in "abab"] == [0, 1, 2, 3]


def test_bad_params_are_refused_before_the_start(agent):
    @param("level", type=float)
    def func(session, params):
        return True, str(params)

    agent.register_task("set", func)
    text = "Param 'level'=high is not of required type (<class 'float'>)"
    assert agent.start("set", {"level": "high"}) == (-1, text, {})
    assert agent.status("set") == (0, "No session active.", {})
    agent.start("set", {"level": 3})
    assert "{'level': 3.0}" in str(agent.status("set")[2]["messages"])


def test_a_param_error_inside_the_operation_ends_it(agent):
    def func(session, params):
        from ocsd.ocs_agent import ParamHandler

        ParamHandler(params).get("level")

    agent.register_task("set", func)
    agent.start("set")
    session = agent.status("set")[2]
    assert session["success"] is False
    assert session["messages"][-2][1] == "ERROR: Param 'level' is required and must not be None"


def test_an_exception_is_a_crash_with_its_name(agent):
    def func(session, params):
        raise OSError("port closed")

    agent.register_task("read", func)
    agent.start("read")
    session = agent.status("read")[2]
    assert (session["status"], session["success"], session["op_code"]) == ("done", False, 6)
    crash = session["messages"][-2][1]
    assert crash.startswith("CRASH: operation 'read' raised OSError: port closed (operations/")


def test_waiting_for_what_never_ran_is_over_at_once(agent, job):
    assert answer(agent.wait("job")) == (0, "Idle.", {})


def test_waiting_has_a_limit(agent, reactor, job):
    agent.start("job")
    waiting = agent.wait("job", timeout=2)
    reactor.advance(1.9)
    assert answer(waiting) is None
    answers = []
    waiting.addCallback(lambda _: None)
    waiting = agent.wait("job", timeout=2)
    waiting.addCallback(answers.append)
    reactor.advance(2)
    code, text, session = answers[0]
    assert (code, text) == (1, 'Operation "job" still running; wait timed out.')
    assert session["status"] == "running"


def test_a_negative_limit_does_not_wait(agent, reactor, job):
    agent.start("job")
    assert answer(agent.wait("job", timeout=-1))[0] == 1
    reactor.advance(0)


def test_waiting_ends_with_the_operation_and_leaves_no_timer(agent, reactor, job):
    agent.start("job")
    reactor.advance(0)
    waiting = agent.wait("job", timeout=60)
    job[0].callback((False, "broken"))
    assert answer(waiting)[1] == 'Operation "job" is currently not running (FAILED).'


def test_a_process_is_stopped_and_a_task_aborted(agent, reactor):
    asked = []

    @inlineCallbacks
    def run(session, params):
        session.data["end"] = Deferred()
        yield session.data["end"]
        return True, "ended"

    def end(session, params):
        asked.append(session.op_name)
        session.set_status("stopping")

    agent.register_process("p", run, end, blocking=False)
    agent.register_task("t", run, aborter=end, blocking=False)
    agent.start("p")
    agent.start("t")
    reactor.advance(0)
    assert agent.abort("p")[:2] == (-1, 'Cannot "abort" "p" because it is a "process".')
    assert agent.stop("t")[:2] == (-1, 'Cannot "stop" "t" because it is a "task".')
    assert agent.stop("p")[:2] == (0, 'Requested stop on process "p".')
    assert agent.abort("t")[:2] == (0, 'Requested abort on task "t".')
    assert asked == ["p", "t"]
    assert agent.stop("p")[:2] == (-1, "The operation is already stopping")


def test_what_never_ran_or_ended_cannot_be_stopped(agent):
    agent.register_process("p", lambda s, p: (True, "ok"), lambda s, p: None)
    assert agent.stop("p") == (-1, "No session active.", {})
    agent.start("p")
    assert agent.stop("p")[:2] == (-1, "The operation is already done")


def test_a_task_without_aborter_says_that_it_cannot_be_aborted(agent, reactor, job):
    agent.start("job")
    reactor.advance(0)
    code, text, session = agent.abort("job")
    assert (code, session["status"]) == (-1, "running")
    assert "no function to abort" in text


def test_a_stopper_that_raises_does_not_reach_the_client(agent, reactor):
    agent.register_process("p", lambda s, p: Deferred(), lambda s, p: 1 / 0, blocking=False)
    agent.start("p")
    reactor.advance(0)
    assert agent.stop("p")[0] == 0


def test_the_operations_address_answers_like_the_methods(agent, reactor, job):
    handle = agent.procedures()["observatory.thermo1.ops"]
    assert handle("start", "job")[1] == 'Started task "job".'
    reactor.advance(0)
    assert handle("status", "job", password="x")[1] == "Session active."
    assert handle("jump", "job") == (-1, 'No implementation for "job"', {})


def test_get_api_describes_the_agent(agent):
    def acq(session, params):
        """Acquire."""

    agent.register_process("acq", acq, lambda s, p: None)
    agent.register_task("zero", acq, blocking=False, min_privs=2)
    agent.register_task("home", acq, aborter=lambda s, p: None)
    agent.register_feed("temperatures", record=True, agg_params={"frame_length": 60})
    describe = agent.procedures()["observatory.thermo1"]
    api = describe("get_api")
    assert api["agent_class"] == describe("get_agent_class") == "ThermoAgent"
    assert (api["instance_pid"], api["instance_hostname"]) == (os.getpid(), socket.gethostname())
    assert {k: api["access_control"][k] for k in ("version", "policy", "update_count", "step")} == {
        "version": 1,
        "policy": "none",
        "update_count": 0,
        "step": 0,
    }
    idle = {"status": "no_history"}
    common = {"docstring": "Acquire.", "min_privs": 1, "blocking": True, "params": None}
    task = {"op_type": "task", **common}
    assert api["tasks"] == [
        ["home", {"op_name": "home", **idle}, {**task, "abortable": True}],
        [
            "zero",
            {"op_name": "zero", **idle},
            {**task, "abortable": False, "blocking": False, "min_privs": 2},
        ],
    ]
    assert api["processes"] == [["acq", {"op_name": "acq", **idle}, {**task, "op_type": "process"}]]
    assert api["feeds"] == [
        [
            "temperatures",
            {
                "agent_address": "observatory.thermo1",
                "agg_params": {"frame_length": 60},
                "feed_name": "temperatures",
                "address": "observatory.thermo1.feeds.temperatures",
                "record": True,
                "session_id": agent.agent_session_id,
                "agent_class": "ThermoAgent",
            },
        ]
    ]


def test_everything_that_runs_is_asked_to_end(agent, reactor):
    ending = Deferred()

    def stop(session, params):
        session.set_status("stopping")
        ending.callback((True, "stopped"))

    agent.register_process("p", lambda s, p: ending, stop, blocking=False)
    agent.start("p")
    reactor.advance(0)
    ended = []
    agent.end_operations(10).addCallback(ended.append)
    assert len(ended) == 1
    assert agent.operations.active() == []


def test_waiting_for_the_end_of_operations_has_a_limit(agent, reactor, job):
    agent.start("job")
    reactor.advance(0)
    ended = []
    agent.end_operations(10).addCallback(ended.append)
    reactor.advance(9.9)
    assert ended == []
    reactor.advance(0.2)
    assert len(ended) == 1


def test_waiting_for_the_end_can_be_given_up(agent, reactor, job):
    agent.start("job")
    reactor.advance(0)
    ended = []
    ending = agent.end_operations(10).addCallback(ended.append)
    ending.cancel()
    assert len(ended) == 1


def test_an_agent_can_be_made_without_a_site(reactor):
    agent = OCSAgent(MagicMock(), MagicMock(), address="test.address")
    agent.register_task("t", lambda session, params: (True, "ok"))
    assert agent.start("t")[0] == 0
    assert agent.encoded()["tasks"] == ["t"]


@pytest.mark.parametrize("level", [0, 1])
def test_without_access_control_everybody_has_level_1(agent, reactor, level):
    agent.register_process(
        "acq", lambda s, p: Deferred(), lambda s, p: None, blocking=False, min_privs=level
    )
    assert agent.start("acq")[:2] == (0, 'Started process "acq".')
    reactor.advance(0)
    assert agent.stop("acq")[:2] == (0, 'Requested stop on process "acq".')
    assert agent.processes["acq"].encoded()["min_privs"] == 1


def test_a_stop_just_as_the_operation_ends_is_not_a_fault(agent, reactor):
    ending = Deferred()

    def stop(session, params):
        ending.callback((True, "done by itself"))
        session.set_status("stopping")

    agent.register_process("acq", lambda s, p: ending, stop, blocking=False)
    agent.start("acq")
    reactor.advance(0)
    assert agent.stop("acq")[0] == 0
    code, _, session = agent.status("acq")
    assert (code, session["success"]) == (0, True)
    assert not [text for _, text in session["messages"] if "CRASH" in text]


def test_an_operation_can_be_launched_under_the_name_that_ocs_gives_it(agent, reactor):
    agent.register_task("job", lambda session, params: (True, params), blocking=False)
    launched = agent.tasks["job"].launch_deferred(MagicMock(), {"n": 1})
    assert not launched.called
    reactor.advance(0)
    assert answer(launched) == (True, {"n": 1})
