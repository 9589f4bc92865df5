"""Whatever an operation does wrong is said, by name, and stays its own trouble."""

import asyncio
import termios
from collections import deque

import numpy as np
import pytest
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.logger import capturedLogs, formatEvent

from ocsd.ocs_agent import param
from tests.unit.agent.faulty_runs import (
    BOTH,
    Hostile,
    check_the_agent_goes_on,
    fault_of,
    run,
    status_line,
)


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@BOTH
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("7 K is too warm"), "ValueError: 7 K is too warm"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (BaseException("odd"), "BaseException: odd"),
        (HostileError(), "HostileError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_operation_that_raises_fails_with_name_and_error(agent, reactor, blocking, error, text):
    def func(session, params):
        raise error

    session = run(agent, reactor, func, blocking=blocking)
    assert fault_of(session) == f"CRASH: operation 'op' raised {text}"
    assert f"operation 'op' raised {text}" in status_line(agent)
    check_the_agent_goes_on(agent, reactor)


@BOTH
@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (None, "NoneType None"),
        (True, "bool True"),
        ("ok", "str 'ok'"),
        ((True,), "tuple (True,)"),
        ((True, "ok", 3), "tuple (True, 'ok', 3)"),
        ({}, "dict {}"),
        (np.zeros(2), "ndarray array"),
        (deque((True, "ok")), "deque deque("),
        (Hostile(), "Hostile (whose repr fails)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_result_of_the_wrong_shape_is_named(agent, reactor, blocking, result, shown):
    session = run(agent, reactor, lambda s, p: result, blocking=blocking)
    assert fault_of(session).startswith(f"CRASH: operation 'op' returned {shown}")
    assert shown in status_line(agent)


@pytest.mark.parametrize("result", [(Hostile(), "x"), (True, Hostile()), (np.zeros(2), "x")])
def test_a_result_that_cannot_be_read_ends_the_session_as_well(agent, reactor, result):
    session = run(agent, reactor, lambda s, p: result)
    assert "operation 'op'" in fault_of(session)


def test_a_generator_that_is_no_coroutine_is_named(agent, reactor):
    def func(session, params):
        yield None
        return True, "never reached"

    assert "returned generator" in fault_of(run(agent, reactor, func, blocking=False))


@BOTH
def test_a_coroutine_function_is_an_operation_too(agent, reactor, blocking):
    async def func(session, params):
        await succeed(None)
        return True, "awaited"

    session = run(agent, reactor, func, blocking=blocking)
    assert session["success"] is True
    assert "awaited" in [text for _, text in session["messages"]]


def test_a_coroutine_of_asyncio_fails_by_name(agent, reactor):
    async def func(session, params):
        await asyncio.sleep(0.1)
        return True, "never reached"

    assert "operation 'op' raised RuntimeError" in fault_of(run(agent, reactor, func))


def test_an_inline_callback_in_a_worker_thread_ends_the_session(agent, reactor):
    ending = Deferred()

    @inlineCallbacks
    def func(session, params):
        yield ending
        return True, "ended"

    session = run(agent, reactor, func, blocking=True)
    assert session["status"] == "running"
    ending.callback(None)
    assert agent.status("op")[2]["success"] is True


def test_an_operation_of_two_meanings_is_not_started(agent, reactor):
    ran = []

    def first(session, params):
        ran.append(1)
        return True, ""

    def second(session, params):
        ran.append(2)
        return True, ""

    agent.register_task("home", first)
    agent.register_task("home", second, startup=True)
    code, text, session = agent.start("home")
    assert (code, session, ran) == (-1, {}, [])
    assert text.startswith('Operation "home" is registered twice, as ')
    assert "first (" in text
    assert "second (" in text
    assert __file__ in text
    assert text in status_line(agent)
    assert agent.startup_ops == []
    check_the_agent_goes_on(agent, reactor)


def test_a_task_and_a_process_of_one_name_are_two_meanings(agent):
    def func(session, params):
        return True, ""

    agent.register_task("home", func)
    agent.register_process("home", func, None)
    assert "registered twice" in agent.start("home")[1]


class Mover:
    def home(self, session, params):
        return True, ""


def test_the_same_operation_may_be_registered_again(agent, reactor):
    mover = Mover()
    agent.register_task("home", mover.home)
    agent.register_task("home", mover.home)  # as socs's pysmurf_controller does
    assert agent.start("home")[0] == 0


@BOTH
def test_a_stopper_that_raises_is_reported(agent, reactor, blocking):
    def stop(session, params):
        raise OSError("port closed")

    ending = Deferred()
    agent.register_process(
        "acq", lambda s, p: ending, stop, blocking=False, stopper_blocking=blocking
    )
    agent.start("acq")
    reactor.advance(0)
    assert agent.stop("acq")[0] == 0
    text = "CRASH: the function to stop operation 'acq' raised OSError: port closed"
    assert text in status_line(agent)
    ending.callback((True, "ended after all"))
    assert fault_of(agent.status("acq")[2]) == text


def test_checks_of_parameters_that_raise_are_answered(agent, reactor):
    def never(value):
        raise OSError("a check went wrong")

    @param("a", default=None, check=never)
    def func(session, params):
        return True, ""

    agent.register_task("op", func)
    assert agent.start("op", {"a": 1}) == (
        -1,
        "CRASH: during param pre-processing: a check went wrong",
        {},
    )
    assert agent.start("op", "no dict")[0] == -1
    assert agent.start("op", {})[0] == 0


def test_a_docstring_may_be_anything(agent):
    def func(session, params):
        return True, ""

    func.__doc__ = object()
    agent.register_task("op", func)
    [[_, _, info]] = agent.procedures()["observatory.thermo1"]("get_tasks")
    assert isinstance(info["docstring"], str)


@pytest.mark.parametrize("result", [("done", True), (None, "done"), ([], "x"), ("", "x")])
def test_a_first_value_that_is_no_bool_is_refused_with_words(agent, reactor, result):
    fault = fault_of(run(agent, reactor, lambda session, params: result))
    assert f"returned tuple {result!r} instead of (ok, message)" in fault


@pytest.mark.parametrize("ok", [True, 1, np.bool_(True), np.int64(1)])
def test_a_number_and_a_bool_of_numpy_say_whether_it_succeeded(agent, reactor, ok):
    assert run(agent, reactor, lambda session, params: (ok, "done"))["success"] is True


def test_an_error_is_named_with_its_module(agent, reactor):
    def func(session, params):
        raise termios.error(5, "Input/output error")

    fault = fault_of(run(agent, reactor, func))
    assert fault == "CRASH: operation 'op' raised termios.error: (5, 'Input/output error')"


@pytest.mark.parametrize(
    ("stopper", "complaint"),
    [
        (lambda session, params: None, "the function to stop it did not set the status"),
        (
            lambda session, params: session.set_status("stopping"),
            "its function has not returned since",
        ),
    ],
)
def test_a_stop_without_effect_is_a_trouble_after_ten_seconds(agent, reactor, stopper, complaint):
    waits = Deferred()
    agent.register_process("acq", lambda s, p: waits, stopper, blocking=False)
    agent.start("acq")
    reactor.advance(0)
    session, now_s = agent.sessions["acq"], [100.0]
    session._monotonic = lambda: now_s[0]
    agent.stop("acq")
    now_s[0] = 109.0
    assert status_line(agent) == ""
    now_s[0] = 111.0
    agent.stop("acq")
    assert status_line(agent) == f"operation 'acq': stop was asked for 11 s ago; {complaint}"
    waits.callback((True, "stopped"))
    assert status_line(agent) == ""


def test_the_old_name_switches_the_heartbeat(agent, link):
    agent.heartbeat.start()
    agent._heartbeat_on = False
    agent.heartbeat.beat()
    agent._heartbeat_on = True
    agent.heartbeat.beat()
    agent.heartbeat.stop()
    assert len(link.published) == 2
    assert agent._heartbeat_on is True


def test_an_agents_log_takes_the_habits_of_the_standard_library(agent):
    with capturedLogs() as events:
        agent.log.info("x %s", 5)
    assert formatEvent(events[0]) == "x 5"
