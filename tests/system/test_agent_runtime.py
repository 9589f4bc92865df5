"""Agents in processes of their own against a real crossbar."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from ocsd import notify
from ocsd.router.config import node_config
from ocsd.site.model import Hub
from tests.system.conftest import wait_until

pytestmark = pytest.mark.system

RUN = """
import sys, json
from ocsd.site import launch
launch.set_current(launch.Launch.model_validate(json.loads(sys.argv[1])))
from ocsd_agents.fake_data.agent import main
main([])
"""

LISTEN = """
import sys, json
from ocsd import ocs_agent, site_config
from ocsd.site import launch
launch.set_current(launch.Launch.model_validate(json.loads(sys.argv[1])))
args = site_config.parse_args(args=[])
agent, runner = ocs_agent.init_site_agent(args)
out = open(args.instance_id + '.jsonl', 'w', buffering=1)
agent.subscribe_on_start(lambda event: print(json.dumps(event), file=out),
                         'observatory..feeds.', options={'match': 'wildcard'})
agent.register(lambda: 'at your service', agent.agent_address + '.special')
runner.run(agent)
"""


class Router:
    """crossbar on a port between 18100 and 18149."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.socket_path = folder / "r.sock"
        self.hub = Hub(
            wamp_server=f"ws://127.0.0.1:{port}/ws", wamp_http=f"http://127.0.0.1:{port}/call"
        )
        self.process = None

    def start(self):
        config = node_config(self.hub, self.socket_path)
        (self.folder / "config.json").write_text(json.dumps(config))
        command = [str(Path(sys.executable).parent / "crossbar"), "start", "--cbdir", "."]
        with open(self.folder / "out", "a") as out:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=out, stderr=out, start_new_session=True
            )
        wait_until(self.answers, "the router")

    def answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_path)) == 0

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # The worker is another process of the group; its sockets close with it.
        wait_until(lambda: not self.answers(), "the router's end")

    def call(self, procedure, *args, **kwargs):
        body = json.dumps({"procedure": procedure, "args": args, "kwargs": kwargs}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.hub.wamp_http, body, headers)
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.load(reply)["args"][0]


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    # Short, for a socket's path is at most 107 bytes long.
    router = Router(tmp_path_factory.mktemp("cb"), 18101)
    router.start()
    yield router
    router.kill()


@pytest.fixture
def supervisor(tmp_path):
    """Starts agents and hears what they say of themselves."""
    supervisor = Supervisor(tmp_path)
    yield supervisor
    for process in supervisor.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
    supervisor.socket.close()


class Supervisor:
    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))

    def run(self, script, *args):
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(self.folder / "notify"),
            "STATE_DIRECTORY": str(self.folder / "state"),
        }
        with open(self.folder / "log", "a") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", script, *args],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def launch(self, router, iid, *arguments, script=RUN, local=True, **more):
        hub = router.hub.model_copy(update=more.pop("hub", {}))
        instance = {"instance-id": iid, "agent-class": "FakeDataAgent", "arguments": arguments}
        launch = {
            "site_file": None,
            "host": "lab",
            "hub": hub.model_dump(),
            "instance": instance,
            "working_dir": str(self.folder),
            "router_socket": str(router.socket_path) if local else None,
            **more,
        }
        return self.run(script, json.dumps(launch))

    def hears(self, what, **fields):
        """Wait for a message with these fields; return all its fields."""
        self.socket.settimeout(30)
        while True:
            said = notify.decode(self.socket.recv(4096))
            if all(wanted in said.get(key, "") for key, wanted in fields.items()):
                return said

    def log(self):
        return (self.folder / "log").read_text()


def ends_at(process, number):
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(20) == 0
    return time.monotonic() - begun


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
    wait_until(
        lambda: router.call("observatory.fake5", "get_api")["instance_pid"] == second.pid,
        "the second to take over",
    )


def test_a_successor_that_knows_better_takes_the_address_by_force(router, supervisor):
    first = supervisor.launch(router, "fake6")
    supervisor.hears("ready", READY="1")
    second = supervisor.launch(router, "fake6", force_register=True)
    supervisor.hears("what the first says", STATUS=f"pid {second.pid}")
    assert router.call("observatory.fake6", "get_api")["instance_pid"] == second.pid
    assert first.poll() is None


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
    router = Router(tmp_path_factory.mktemp("cb"), 18102)
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

    hub = Hub(wamp_server="ws://127.0.0.1:18149/ws", wamp_http="http://127.0.0.1:18149/call")
    socket_path = Path("/nonexistent/r.sock")


@pytest.mark.parametrize("local", [True, False], ids=["unix socket", "websocket"])
def test_an_agent_without_a_router_says_where_it_looks_and_ends_when_told(supervisor, local):
    process = supervisor.launch(NoRouter, "fake9", local=local)
    where = "unix:/nonexistent/r.sock" if local else "ws://127.0.0.1:18149/ws"
    supervisor.hears("the reason", STATUS=f"waiting for the router at {where}: ")
    assert ends_at(process, signal.SIGTERM) < 5


def test_an_agent_gives_up_only_when_told_to(supervisor):
    process = supervisor.launch(NoRouter, "fake10", "--crossbar-timeout", "1")
    assert process.wait(20) == 1
