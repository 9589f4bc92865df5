"""Agents in processes of their own against a real crossbar."""

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from ocsd.site.model import Hub
from tests.system.agent_processes import LISTEN, RUN, Router
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


def ends_at(process, number):
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(20) == 0
    return time.monotonic() - begun


@pytest.mark.alone
@pytest.mark.usefixtures("own_interpreter")
@pytest.mark.parametrize("local", [True, False], ids=["unix socket", "websocket"])
def test_an_agent_joins_acquires_and_ends(router, supervisor, local):
    arguments = ["--mode", "acq", "--num-channels", "3"]
    process = supervisor.launch(router, "fake1", *arguments, local=local)
    supervisor.hears("ready", READY="1")
    api = router.call("observatory.fake1", "get_api")
    assert (api["agent_class"], api["instance_pid"]) == ("FakeDataAgent", process.pid)

    def shown():
        return router.call("observatory.fake1.ops", "status", "acq")[2]["data"].get("fields")

    assert len(wait_until(shown, "data")) == 3
    code, _, session = router.call("observatory.fake1.ops", "wait", "acq", timeout=0)
    assert (code, session["status"]) == (1, "running")
    assert ends_at(process, signal.SIGTERM) < 5
    assert "SIGTERM: ending" in supervisor.log()
    assert "Traceback" not in supervisor.log()


def test_a_task_is_waited_for_and_aborted_over_the_wire(router, supervisor):
    supervisor.launch(router, "fake2")
    supervisor.hears("ready", READY="1")
    ops = "observatory.fake2.ops"
    router.call(ops, "start", "delay_task", {"delay": 0.2})
    assert router.call(ops, "wait", "delay_task")[1] == (
        'Operation "delay_task" is currently not running (SUCCEEDED).'
    )
    router.call(ops, "start", "delay_task", {"delay": 60})
    assert router.call(ops, "abort", "delay_task")[:2] == [
        0,
        'Requested abort on task "delay_task".',
    ]
    assert router.call(ops, "wait", "delay_task", timeout=10)[0] == 0


def test_a_realm_that_does_not_exist_is_named_and_tried_again(router, supervisor):
    process = supervisor.launch(router, "fake3", hub={"wamp_realm": "other"})
    said = supervisor.hears("the reason", STATUS="no realm 'other'")
    assert "READY" not in said
    assert process.poll() is None
    ends_at(process, signal.SIGINT)


def test_an_address_root_that_the_router_forbids_is_named(router, supervisor):
    supervisor.launch(router, "fake4", hub={"address_root": "elsewhere"})
    supervisor.hears("the reason", STATUS="address_root")


def test_the_holder_of_a_taken_address_is_named_and_succeeded(router, supervisor):
    first = supervisor.launch(router, "fake5")
    supervisor.hears("ready", READY="1")
    second = supervisor.launch(router, "fake5")
    supervisor.hears("the holder", STATUS=f"pid {first.pid} on {socket.gethostname()}")
    ends_at(first, signal.SIGINT)

    def is_succeeded():
        answer = router.call("observatory.fake5", "get_api")
        # Between the two, the router says in words that there is nobody.
        return isinstance(answer, dict) and answer["instance_pid"] == second.pid

    wait_until(is_succeeded, "the second to take over")


def test_a_successor_that_knows_better_takes_the_address_by_force(router, supervisor):
    first = supervisor.launch(router, "fake6")
    supervisor.hears("ready", READY="1")
    second = supervisor.launch(router, "fake6", force_register=True)
    supervisor.hears("what the first says", STATUS=f"pid {second.pid}")
    assert router.call("observatory.fake6", "get_api")["instance_pid"] == second.pid
    assert first.poll() is None


@pytest.mark.alone
@pytest.mark.usefixtures("own_interpreter")
def test_a_second_signal_ends_the_waiting_for_an_operation(router, supervisor):
    script = RUN.replace(
        "main([])",
        "import time, ocsd_agents.fake_data.agent as fake\n"
        "fake.FakeDataAgent.acq = lambda self, session, params: time.sleep(600)\n"
        "main([])",
    )
    process = supervisor.launch(router, "fake7", "--mode", "acq", script=script)
    supervisor.hears("ready", READY="1")
    process.send_signal(signal.SIGINT)
    supervisor.hears("ending", STOPPING="1")
    assert ends_at(process, signal.SIGINT) < 5
    assert "did not end" in supervisor.log()


def test_a_router_that_dies_costs_no_message_that_was_kept(tmp_path_factory, supervisor):
    router = Router(tmp_path_factory.mktemp("cb"), free_port())
    router.start()
    listener = supervisor.launch(router, "listener", script=LISTEN)
    supervisor.hears("ready", READY="1")
    agent = supervisor.launch(router, "fake8", "--mode", "acq")
    recorded = supervisor.folder / "listener.jsonl"

    def messages():
        events = [json.loads(line) for line in recorded.read_text().splitlines()]
        return [e for e in events if e[1]["feed_name"] == "false_temperatures"]

    try:
        wait_until(lambda: len(messages()) >= 2, "the first messages")
        before = len(messages())
        router.kill()
        said = supervisor.hears("the outage", STATUS="waiting for the router")
        assert "READY" not in said
        # It acquires once a second and reports every second.
        for _ in range(3):
            supervisor.hears("life during the outage", WATCHDOG="1")
        router.start()
        wait_until(lambda: len(messages()) >= before + 3, "the messages after the outage")
        numbers = [info["seq"] for _, info in messages()]
        assert numbers == list(range(len(numbers)))
        assert len({info["session_id"] for _, info in messages()}) == 1
        # What the listener has registered for itself is there again as well.
        assert router.call("observatory.listener.special") == "at your service"
        ends_at(agent, signal.SIGINT)
        ends_at(listener, signal.SIGINT)
    finally:
        router.kill()


class NoRouter:
    """Where nothing listens."""

    port = free_port()
    hub = Hub(wamp_server=f"ws://127.0.0.1:{port}/ws", wamp_http=f"http://127.0.0.1:{port}/call")
    socket_path = Path("/nonexistent/r.sock")


@pytest.mark.alone
@pytest.mark.usefixtures("own_interpreter")
@pytest.mark.parametrize("local", [True, False], ids=["unix socket", "websocket"])
def test_an_agent_without_a_router_says_where_it_looks_and_ends_when_told(supervisor, local):
    process = supervisor.launch(NoRouter, "fake9", local=local)
    where = "unix:/nonexistent/r.sock" if local else f"ws://127.0.0.1:{NoRouter.port}/ws"
    supervisor.hears("the reason", STATUS=f"waiting for the router at {where}: ")
    assert ends_at(process, signal.SIGTERM) < 5


@pytest.mark.usefixtures("own_interpreter")
def test_an_agent_gives_up_only_when_told_to(supervisor):
    process = supervisor.launch(NoRouter, "fake10", "--crossbar-timeout", "1")
    assert process.wait(20) == 1


@pytest.mark.usefixtures("own_interpreter")
def test_a_signal_while_the_reactor_starts_ends_the_agent(supervisor):
    # Twisted logs what is raised at this moment, and goes on.
    script = RUN.replace(
        "main([])",
        "import os, signal\n"
        "from twisted.internet import reactor\n"
        "told = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "reactor.addSystemEventTrigger('before', 'startup', told)\n"
        "main([])",
    )
    assert supervisor.launch(NoRouter, "fake11", script=script).wait(20) == 0
