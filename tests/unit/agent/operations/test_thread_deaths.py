"""A thread that dies is the trouble of the operation that started it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks

from ocsd.agent.operations import thread_deaths
from tests.unit.agent.faulty_runs import check_the_agent_goes_on, fault_of, run, status_line


@pytest.fixture
def watched(agent, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    thread_deaths.watch(agent)
    return agent


def test_a_thread_that_dies_fails_the_operation_that_started_it(watched, reactor):
    agent, ending = watched, Deferred()

    def die():
        raise OSError("no answer")

    def func(session, params):
        thread = threading.Thread(target=die, name="reader")
        thread.start()
        thread.join(10)
        return ending

    agent.register_process("acq", func, None, blocking=False)
    agent.start("acq")
    reactor.advance(0)
    session = agent.status("acq")[2]
    line = die.__code__.co_firstlineno + 1
    text = "CRASH: thread 'reader' of operation 'acq' died: OSError: no answer"
    text += f" (operations/test_thread_deaths.py:{line})"
    assert (session["status"], session["degraded"], session["op_code"]) == ("running", True, 8)
    assert text in status_line(agent)
    ending.callback((True, "stopped"))
    assert fault_of(agent.status("acq")[2]) == text
    check_the_agent_goes_on(agent, reactor)


def test_the_threads_of_a_thread_belong_to_the_operation_as_well(watched, reactor):
    def grandchild():
        raise OSError("no answer")

    def child():
        thread = threading.Thread(target=grandchild, name="inner")
        thread.start()
        thread.join(10)

    def func(session, params):
        thread = threading.Thread(target=child)
        thread.start()
        thread.join(10)
        return True, ""

    assert "thread 'inner' of operation 'op' died" in fault_of(run(watched, reactor, func))


def test_a_thread_after_a_yield_belongs_to_its_operation(watched, reactor):
    began = Deferred()

    def die():
        raise OSError("no answer")

    @inlineCallbacks
    def func(session, params):
        yield began
        thread = threading.Thread(target=die, name="late")
        thread.start()
        thread.join(10)
        return True, ""

    session = run(watched, reactor, func, blocking=False)
    assert session["status"] == "running"
    began.callback(None)
    assert "thread 'late' of operation 'op' died" in fault_of(watched.status("op")[2])


def test_a_thread_of_no_operation_is_the_agents_trouble(watched):
    def die():
        raise OSError("no answer")

    thread = threading.Thread(target=die, name="loose")
    thread.start()
    thread.join(10)
    assert status_line(watched).startswith("thread 'loose' died: OSError: no answer (operations/")


def test_a_thread_may_end_with_sys_exit(watched):
    def leave():
        raise SystemExit

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join(10)
    assert status_line(watched) == ""


def test_a_thread_of_a_pool_leaves_its_first_operation(watched, reactor):
    pool = ThreadPoolExecutor(1)

    def short(session, params):
        pool.submit(int).result()
        return True, "done"

    def die():
        raise OSError("unrelated")

    def start_and_join():
        thread = threading.Thread(target=die, name="unrelated")
        thread.start()
        thread.join(10)

    assert run(watched, reactor, short)["success"] is True
    pool.submit(start_and_join).result()
    pool.shutdown()
    assert watched.trouble.startswith("thread 'unrelated' died: OSError: unrelated (operations/")
    assert watched.status("op")[2]["op_code"] == 5
