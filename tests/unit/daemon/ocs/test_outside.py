"""What the daemon makes of an agent that knows nothing of it."""

import json
import os
import sys

import pytest
from twisted.internet import defer, task

from ocsd import compat
from ocsd.client.http import CONNECTION_ERROR, REQUEST_ERROR, ControlClientError
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.ocs.outside import API_POLL_S, OutsideWatch, request, trouble_of
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance
from ocsd.supervisor.events import State, UpRequested
from ocsd.supervisor.health import Health, Layer, Verdict
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.paths import of_host
from tests.unit.daemon.timers import cancel_timers

HUB = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
PID = 4121
WELL = {"instance_pid": PID, "instance_hostname": "lab", "tasks": [], "processes": []}


class Silent:
    """A launcher that does nothing."""

    def spawn(self, name):
        """Do nothing."""


class Agent:
    """Answers what the test says, and counts how often it was asked."""

    def __init__(self):
        self.answer = WELL
        self.asked = 0

    def __call__(self, address):
        assert address == "observatory.old1"
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def agent():
    return Agent()


@pytest.fixture
def keeper(agent, clock):
    keeper = Keeper(
        "old1", Lifecycle(), Silent(), clock, lambda: 0.0, lambda: 0.0, lambda transition: None
    )
    instance = Instance(instance_id="old1", agent_class="LabAgent", runtime="ocs")
    watch = OutsideWatch(HUB, clock, agent)
    looking = task.LoopingCall(watch.check, instance, keeper)
    looking.clock = clock
    looking.start(0.25)
    keeper.deliver(UpRequested())
    yield keeper
    looking.stop()
    cancel_timers(clock)


def refusal(error, *words):
    return ControlClientError([0, 0, 0, 0, error, list(words), {}])


def test_an_agent_that_answers_is_up(keeper, agent, clock):
    clock.advance(1)
    assert agent.asked == 0  # there is no process to ask yet
    keeper.spawned(Spawned("old1", PID, 1))
    agent.answer = refusal("wamp.error.no_such_procedure")
    clock.advance(0.3)
    assert keeper.life.state is State.STARTING
    agent.answer = WELL
    clock.advance(0.3)
    assert keeper.life.state is State.UP
    assert keeper.verdict == Verdict(Health.OK)


def test_an_agent_that_is_up_is_asked_less_often(keeper, agent, clock):
    keeper.spawned(Spawned("old1", PID, 1))
    clock.pump([0.25] * 40)
    assert agent.asked == pytest.approx(10 / API_POLL_S, abs=2)


def test_nobody_asks_what_does_not_run(keeper, agent, clock):
    keeper.spawned(Spawned("old1", PID, 1))
    clock.advance(0.3)
    keeper.ended(Ended("old1", PID, 125, None))
    asked = agent.asked
    clock.pump([1] * 20)
    assert agent.asked == asked


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal("wamp.error.no_such_procedure"), "it is not joined to the realm"),
        (refusal(CONNECTION_ERROR, "no router at …"), "no router at …"),
        ({**WELL, "instance_pid": 7}, "pid 7 on lab has its address"),
    ],
)
def test_an_agent_that_cannot_be_reached_is_degraded(keeper, agent, clock, answer, reason):
    keeper.spawned(Spawned("old1", PID, 1))
    clock.advance(0.3)
    agent.answer = answer
    clock.pump([0.25] * 10)
    assert keeper.verdict == Verdict(Health.DEGRADED, reason, Layer.ROUTER)


def test_an_agent_that_does_not_answer_in_time_is_hung(keeper, agent, clock):
    keeper.spawned(Spawned("old1", PID, 1))
    clock.advance(0.3)
    agent.answer = refusal(REQUEST_ERROR, "no answer within 4 s")
    clock.pump([0.25] * 50)
    assert keeper.verdict.health is Health.HUNG


def test_an_answer_that_comes_when_the_process_is_another_one_is_dropped(keeper, agent, clock):
    agent.answer = late = defer.Deferred()
    keeper.spawned(Spawned("old1", PID, 1))
    clock.advance(0.3)
    keeper.ended(Ended("old1", PID, 1, None))
    keeper.spawned(Spawned("old1", PID + 1, 2))
    late.callback(WELL)
    assert keeper.life.state is State.STARTING


def test_trouble_is_a_degraded_operation_or_a_process_that_failed():
    def op(name, **session):
        said = [[1.0, 'Status is now "running".'], [2.0, "no such port"]]
        return [name, {"status": "running", "messages": said, **session}, {}]

    assert trouble_of({"tasks": [["init", {"status": "no_history"}, {}]]}) == ""
    api = {
        "processes": [
            op("acq", degraded=True),
            op("log", status="done", success=False),
            op("old", status="done", success=True),
        ],
        "tasks": [op("init", status="done", success=False)],
    }
    assert trouble_of(api) == (
        "operation 'acq' is degraded: no such port; operation 'log' failed: no such port"
    )


@pytest.mark.parametrize("answer", [None, "hello", []])
def test_an_agent_that_answers_nonsense_is_asked_again(keeper, agent, clock, answer):
    keeper.spawned(Spawned("old1", PID, 1))
    agent.answer = answer
    clock.advance(0.3)
    assert keeper.life.state is State.STARTING
    agent.answer = WELL
    clock.advance(0.3)
    assert keeper.life.state is State.UP


def test_it_is_executed_with_a_site_file_that_holds_what_ocs_knows(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("OCS_CONFIG_DIR", raising=False)
    monkeypatch.setenv("PYTHONPATH", f"{compat.FOLDER}{os.pathsep}/opt/lab")
    paths = of_host("lab")
    paths.runtime.mkdir()
    instance = Instance(
        instance_id="old1", agent_class="LabAgent", arguments=("--n", "4"), runtime="ocs"
    )
    launch = Launch(
        site_file="/etc/site.yaml", host="lab", hub=HUB, instance=instance, working_dir="/srv"
    )

    spawn = request(launch, paths)

    python, script, agent_class, *options = spawn.command
    assert (python, agent_class) == (sys.executable, "LabAgent")
    assert script.endswith("ocsd/forkserver/published.py")
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--site-file": f"{paths.runtime}/old1.site.yaml",
        "--site-host": "lab",
        "--instance-id": "old1",
        "--working-dir": "/srv",
    }
    assert spawn.environment == {
        "OCS_CONFIG_DIR": "/etc",
        "PYTHONPATH": "/opt/lab",
        "PYTHONUNBUFFERED": "1",
    }
    assert json.loads((paths.runtime / "old1.site.yaml").read_text()) == {
        "hub": {
            "wamp_server": "ws://localhost:8001/ws",
            "wamp_http": "http://localhost:8001/call",
            "wamp_realm": "test_realm",
            "address_root": "observatory",
        },
        "hosts": {
            "lab": {
                "crossbar_timeout": 0,
                "agent-instances": [
                    {
                        "agent-class": "LabAgent",
                        "instance-id": "old1",
                        "arguments": ["--n", "4"],
                    }
                ],
            }
        },
    }
