"""Whatever an operation does wrong is said, by name, and stays its own trouble."""

import asyncio
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cbor2
import numpy as np
import pytest
from twisted.internet.defer import Deferred, inlineCallbacks, succeed

from ocsd.agent import thread_deaths
from ocsd.agent.encoding import LONGEST_DATA_BYTES, json_safe
from ocsd.agent.readiness import Readiness, trouble_of
from ocsd.ocs_agent import OpSession, param

BOTH = pytest.mark.parametrize("blocking", [True, False], ids=["thread", "reactor"])


def run(agent, reactor, func, name="op", **options):
    """Run a task to its end and return what clients see of it."""
    agent.register_task(name, func, **options)
    assert agent.start(name)[0] == 0
    reactor.advance(0)
    return agent.status(name)[2]


def fault_of(session):
    """Return the message of a run that failed, which clients and operators see."""
    assert (session["status"], session["success"], session["op_code"]) == ("done", False, 6)
    [fault] = [text for _, text in session["messages"] if text.startswith(("CRASH", "ERROR"))]
    return fault


def status_line(agent):
    """Return the STATUS that a joined agent reports to its supervisor."""
    reports = []
    readiness = Readiness(agent, lambda **fields: reports.append(fields["STATUS"]))
    readiness._connection = type("Joined", (), {"joined": True})
    for _ in range(5):
        readiness.tell()
    return reports[-1]


def check_the_agent_goes_on(agent, reactor):
    assert run(agent, reactor, lambda s, p: (True, "fine"), "another")["success"] is True
    agent.procedures()["observatory.thermo1"]("get_api")


class Hostile:
    """Nothing about it works."""

    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __bool__ = __repr__


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
def test_an_operation_that_raises_fails_with_its_name_and_the_error(
    agent, reactor, blocking, error, text
):
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


def test_an_inline_callback_in_a_worker_thread_still_ends_the_session(agent, reactor):
    ending = Deferred()

    @inlineCallbacks
    def func(session, params):
        yield ending
        return True, "ended"

    session = run(agent, reactor, func, blocking=True)
    assert session["status"] == "running"
    ending.callback(None)
    assert agent.status("op")[2]["success"] is True


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
def test_data_that_json_cannot_hold_fail_the_operation_and_no_reply(
    agent, reactor, data, what, told
):
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


def test_a_fault_of_the_data_ends_with_its_cause_while_the_operation_runs():
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


@pytest.mark.parametrize(
    "publish",
    [
        lambda agent: agent.publish_to_feed("nonsense", {}),
        lambda agent: agent.publish_to_feed(
            "temps", {"block_name": "b", "timestamp": 1.0, "data": {"9a": 1}}
        ),
        lambda agent: agent.publish_to_feed(
            "temps", {"block_name": "b", "timestamp": 1.0, "data": {"a": None}}
        ),
        lambda agent: agent.publish_to_feed(
            "temps", {"block_name": "b", "timestamp": math.nan, "data": {"a": 1}}
        ),
        lambda agent: agent.publish_to_feed("temps", None),
    ],
    ids=["unregistered", "field name", "value", "timestamp", "nothing"],
)
def test_a_bad_message_raises_where_it_is_published(agent, reactor, link, publish):
    agent.register_feed("temps", record=True)

    def func(session, params):
        publish(agent)
        return True, "published"

    fault = fault_of(run(agent, reactor, func))
    assert fault.startswith("CRASH: operation 'op' raised")
    assert "feed 'temps'" in fault or "feed 'nonsense'" in fault
    assert link.published == []


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
def test_a_stopper_that_raises_is_told(agent, reactor, blocking):
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
    text = "CRASH: thread 'reader' of operation 'acq' died: OSError: no answer"
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
    assert status_line(watched) == "thread 'loose' died: OSError: no answer"


def test_a_thread_may_end_with_sys_exit(watched):
    def leave():
        raise SystemExit

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join(10)
    assert status_line(watched) == ""


def test_who_blocks_the_reactor_is_named(agent, reactor, monkeypatch):
    from ocsd.agent import lookout, reactor_watch

    monkeypatch.setattr(lookout, "PERIOD_S", 0.02)
    monkeypatch.setattr(reactor_watch, "LIMIT_S", 0.05)
    sent = []
    watch = reactor_watch.ReactorWatch(agent, lambda **fields: sent.append(fields["STATUS"]))
    watch.start()

    def func(session, params):
        deadline = time.monotonic() + 10
        while not sent and time.monotonic() < deadline:
            time.sleep(0.005)
        return True, ""

    run(agent, reactor, func, blocking=False)
    assert sent[0].startswith("operation 'op' blocks the reactor at ")
    assert f"{__file__}:" in sent[0]
    reactor.advance(1)
    watch.stop()
    [warning] = [t for _, t in agent.status("op")[2]["messages"] if t.startswith("WARNING")]
    assert "operation 'op' blocks the reactor" in warning
    assert "blocking=True" in warning
    assert "operation 'op' blocks the reactor" in status_line(agent)


NOT_UNICODE = "caf\udce9"  # as os.fsdecode makes of a file name in Latin-1


def test_text_that_is_not_unicode_leaves_the_agent_readable(agent, reactor):
    def read_folder(session, params):
        session.add_message(NOT_UNICODE)
        session.data = {"file": NOT_UNICODE, NOT_UNICODE: 1}
        return True, NOT_UNICODE

    seen = run(agent, reactor, read_folder)
    assert "session.data['file'] holds" in fault_of(seen)
    cbor2.dumps(agent.procedures()["observatory.thermo1"]("get_api"))
    assert seen["data"] == {"file": "caf?", "caf?": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"name": NOT_UNICODE}},
        {"block_name": NOT_UNICODE},
        {"influxdb_tags": {"name": {"_field": "x", "place": NOT_UNICODE}}},
        {"influxdb_tags": {"name": {"_field": object()}}},
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_takes_good_samples_along(agent, change):
    feed = agent.register_feed("temps", record=True, buffer_time=10)
    good = {"block_name": "b", "timestamp": 1.0, "data": {"name": "good"}}
    agent.publish_to_feed("temps", good)
    with pytest.raises((ValueError, TypeError), match="feed 'temps'"):
        agent.publish_to_feed("temps", {**good, **change})
    assert feed.blocks["b"].data == {"name": ["good"]}
    feed.finish()


@pytest.mark.parametrize("message", [NOT_UNICODE, {(1, 2): 3}, {"a": [NOT_UNICODE]}])
def test_a_free_message_that_no_client_can_read_is_refused(agent, message):
    agent.register_feed("free")
    with pytest.raises((ValueError, TypeError), match="feed 'free'"):
        agent.publish_to_feed("free", message)


def test_a_thread_of_a_pool_does_not_belong_to_its_first_operation_for_ever(watched, reactor):
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
    assert watched.trouble == "thread 'unrelated' died: OSError: unrelated"
    assert watched.status("op")[2]["op_code"] == 5
