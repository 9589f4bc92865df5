"""The agents of agents/ in a real site, and as their Dockerfiles start them."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from ocsd_agents.arduino.drivers import Arduino
from ocsd_agents.arduino.simulator import simulate
from so3g.hk import HKArchiveScanner

from tests.system.waiting import free_port, wait_until
from tests.unit.agents.test_pages import codes, rows, section

pytestmark = pytest.mark.system

AGENTS = Path(__file__).parents[3] / "agents"


def port_of(router):
    """Return the port of the router that tests share."""
    return urllib.parse.urlsplit(router.hub.wamp_server).port


def call(site, procedure, *arguments):
    """Call a procedure over the HTTP bridge; None while it is not there."""
    url = f"http://localhost:{site.port}/call"
    body = {"procedure": f"observatory.{procedure}", "args": arguments}
    posted = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(posted, timeout=20) as answer:
            result = json.load(answer)
    except urllib.error.URLError:
        return None
    return result["args"][0] if "error" not in result else None


def ask(site, instance_id, action, op_name, *more):
    """Ask an agent for something; None while it is not there."""
    return call(site, f"{instance_id}.ops", action, op_name, *more)


def data(site, instance_id, op_name):
    """Return the session data of an operation; empty while there are none."""
    answer = ask(site, instance_id, "status", op_name)
    return answer[2].get("data", {}) if answer else {}


def recorded(folder, field):
    """Return times and values of a field in the G3 files of a folder."""
    scanner = HKArchiveScanner()
    for path in sorted(folder.glob("*/*.g3")):
        scanner.process_file(str(path))
    return scanner.finalize().simple(field, short_match=False)


def test_an_arduino_is_recorded_through_a_pulled_cable(site):
    aggregator = {
        "agent-class": "AggregatorAgent",
        "instance-id": "aggregator",
        "arguments": ["--initial-state", "record", "--data-dir", str(site.folder / "data")],
    }
    with simulate() as simulation:
        arguments = [*simulation.arguments, "--mode", "acq", "--sampling-frequency", 20]
        site.write(
            aggregator,
            {"agent-class": "ArduinoAgent", "instance-id": "arduino1", "arguments": arguments},
        )
        site.bring_up()
        wait_until(lambda: data(site, "arduino1", "acq").get("connected"), "readings")
        pid = site.instance("arduino1")["pid"]

        locked_out(site)

        simulation.device.unplug()
        pulled_at = time.time()
        row = wait_until(
            lambda: (row := site.instance("arduino1"))["health"] == "degraded" and row,
            "the degradation",
            limit_s=10,
        )
        assert (row["state"], row["pid"]) == ("up", pid)
        away = wait_until(
            lambda: "no such port" in str((now := data(site, "arduino1", "acq"))["reason"]) and now,
            "the reason",
        )
        assert (away["fields"], away["connected"]) == ({}, False)

        simulation.device.replug()
        plugged_at = time.time()
        wait_until(lambda: data(site, "arduino1", "acq")["connected"], "readings again")
        wait_until(lambda: site.instance("arduino1")["health"] == "ok", "health")
        wait_until(
            lambda: data(site, "aggregator", "record")["samples"] > 100, "samples at the aggregator"
        )
        assert site.instance("arduino1")["pid"] == pid
        assert site.ocsd("stop").returncode == 0

    times, volts = recorded(site.folder / "data", "observatory.arduino1.feeds.amplitudes.A0")
    assert ((volts >= 0) & (volts <= 5)).all()
    assert (np.diff(times) > 0).all()
    assert (times < pulled_at).any()
    assert (times > plugged_at).any()
    # Nothing stale: not one sample says that it was taken while the cable was pulled.
    assert not ((times > pulled_at + 0.5) & (times < plugged_at)).any()


def locked_out(site):
    """Check what `init` answers while acq runs: the guide's lock message."""
    assert ask(site, "arduino1", "start", "init")[0] == 0
    _, _, session = ask(site, "arduino1", "wait", "init", None, 10)
    assert session["success"] is False
    assert any("Could not acquire lock." in text for _, text in session["messages"])
    log = site.ocsd("logs", "arduino1").stdout
    assert "Could not start init because acq is already running" in log


# Containers. What the Dockerfile says is done by hand, in every way that a container can be run.
# tests/system/containers builds the images.

OPERATION = {"fake_data": "acq", "barebones": "count", "arduino": "acq"}
CLASS = {"fake_data": "FakeDataAgent", "barebones": "BarebonesAgent", "arduino": "ArduinoAgent"}
WORDS = {
    "fake_data": ["--mode", "acq"],
    "barebones": ["--mode", "count"],
    "arduino": ["--mode", "acq"],
}


def instructions(dockerfile):
    """Return the instructions of a Dockerfile as (word, argument) pairs."""
    text = re.sub(r"\\\n\s*", "", dockerfile.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


@dataclass
class Container:
    """An agent as its Dockerfile lays it out, with a router on another port."""

    site: object
    name: str
    arguments: list

    def __post_init__(self):
        read = dict(instructions(AGENTS / self.name / "Dockerfile"))
        source, target = shlex.split(read["COPY"])
        self.workdir = self.site.folder / "root" / read["WORKDIR"].strip("/")
        copied = self.workdir / target
        shutil.copytree(AGENTS / self.name / source, copied, ignore=lambda *_: ["__pycache__"])
        self.entrypoint = json.loads(read["ENTRYPOINT"])
        self.cmd = [
            word.replace("crossbar:8001", f"localhost:{self.site.port}")
            for word in json.loads(read["CMD"])
        ]
        key, _, folder = read["ENV"].partition("=")
        self.config_dir = self.site.folder / "root" / folder.strip("/")
        self.environment = {key: str(self.config_dir)}
        self.log = self.site.folder / "container.log"

    def mount_site_file(self, hub_port):
        """Put a site file where the container expects it."""
        self.config_dir.mkdir(parents=True)
        entry = {
            "agent-class": CLASS[self.name],
            "instance-id": "in-container",
            "arguments": self.arguments,
        }
        hub = {
            "wamp_server": f"ws://localhost:{hub_port}/ws",
            "wamp_http": f"http://localhost:{hub_port}/call",
        }
        hosts = {"ocs-docker": {"agent-instances": [entry]}}
        (self.config_dir / "default.yaml").write_text(yaml.safe_dump({"hub": hub, "hosts": hosts}))

    def run(self, cmd=None, **environment):
        """Do what `docker run IMAGE CMD` does; return the running process."""
        assert self.entrypoint[:3] == ["tini", "--", "python3"]
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("OCS", "SITE_", "INSTANCE_ID", "LOGLEVEL", "CROSSBAR"))
        }
        words = self.cmd if cmd is None else cmd
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [sys.executable, *self.entrypoint[3:], *words],
                cwd=self.workdir,
                env={**inherited, **self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def acquires(self, process):
        """Wait until the agent has data; then end it as `docker stop` does."""

        def has_data():
            assert process.poll() is None, self.log.read_text()
            return data(self.site, "in-container", OPERATION[self.name])

        try:
            now = wait_until(has_data, f"data of {self.name}")
            self.compare_with_page(call(self.site, "in-container", "get_api"), now)
        finally:
            process.terminate()
            code = process.wait(15)
        assert code == 0, self.log.read_text()

    def compare_with_page(self, api, present):
        """Check that the agent's page has what the agent says of itself."""
        told = {codes(name)[0]: kind for name, kind, *_ in rows(section(self.name, "Operations"))}
        said = {name: "process" for name, _, _ in api["processes"]} | {
            name: "task, abortable" if info["abortable"] else "task"
            for name, _, info in api["tasks"]
        }
        assert told == said
        [(feed, *_)] = rows(section(self.name, "Feed"))
        assert {name for name, info in api["feeds"] if info["record"]} == set(codes(feed))
        sample = re.search(r"```json\n(.*?)```", section(self.name, "Session data"), re.DOTALL)
        assert set(present) == set(json.loads(sample[1]))


@pytest.fixture
def container(site, ocsd_router, request):
    """A container of one agent, and a router that it can reach."""
    site.port = port_of(ocsd_router)
    with simulate() as simulation:
        device = simulation.arguments if request.param == "arduino" else []
        yield Container(site, request.param, [*WORDS[request.param], *device])


every_agent = pytest.mark.parametrize("container", list(OPERATION), indirect=True)
one_agent = pytest.mark.parametrize("container", ["barebones"], indirect=True)


def test_every_agent_has_a_dockerfile_in_the_form_of_the_guide():
    folders = {path.parent.name for path in AGENTS.glob("*/agent.py")}
    assert folders == set(OPERATION)
    for name in folders:
        words = instructions(AGENTS / name / "Dockerfile")
        assert [word for word, _ in words] == [
            *("FROM", "ENV", "WORKDIR", "COPY", "ENTRYPOINT", "CMD")
        ]
        read = dict(words)
        assert read["FROM"] == "ocsd-agent"
        assert (AGENTS / name / json.loads(read["ENTRYPOINT"])[-1]).is_file()
        assert json.loads(read["CMD"]) == [
            "--site-hub=ws://crossbar:8001/ws",
            "--site-http=http://crossbar:8001/call",
        ]


@every_agent
def test_a_container_runs_with_its_site_file_mounted(container):
    # The hub of the site file is where agents outside containers reach it; CMD beats it.
    container.mount_site_file(hub_port=free_port())
    process = container.run(INSTANCE_ID="in-container", SITE_HOST="ocs-docker", LOGLEVEL="error")
    container.acquires(process)
    assert container.log.read_text() == ""  # $LOGLEVEL


@one_agent
def test_the_environment_alone_is_enough_and_beats_the_site_file(container):
    container.mount_site_file(hub_port=free_port())
    url = f"localhost:{container.site.port}"
    process = container.run(
        cmd=[],
        INSTANCE_ID="in-container",
        SITE_HOST="ocs-docker",
        SITE_HUB=f"ws://{url}/ws",
        SITE_HTTP=f"http://{url}/call",
    )
    container.acquires(process)
    assert "joined" in container.log.read_text()


@one_agent
def test_the_command_line_beats_the_environment(container):
    container.mount_site_file(hub_port=free_port())
    nowhere = free_port()
    process = container.run(
        cmd=[*container.cmd, "--instance-id=in-container"],
        INSTANCE_ID="somebody-else",
        SITE_HOST="ocs-docker",
        SITE_HUB=f"ws://localhost:{nowhere}/ws",
    )
    container.acquires(process)


@every_agent
def test_a_container_runs_without_any_site_file(container):
    words = [*container.cmd, "--site=none", "--instance-id=in-container", *container.arguments]
    container.acquires(container.run(cmd=words))


@one_agent
def test_a_host_that_the_site_file_does_not_have_is_refused_with_those_it_has(container):
    container.mount_site_file(hub_port=container.site.port)
    process = container.run(INSTANCE_ID="in-container", SITE_HOST="lab7")
    assert process.wait(30) == 78
    told = container.log.read_text()
    assert "Traceback" not in told
    assert "'lab7'" in told
    assert "ocs-docker" in told


@one_agent
def test_crossbar_timeout_ends_a_container_that_finds_no_router(container):
    container.mount_site_file(hub_port=free_port())
    process = container.run(
        cmd=[], INSTANCE_ID="in-container", SITE_HOST="ocs-docker", CROSSBAR_TIMEOUT="2"
    )
    assert process.wait(30) == 1
    assert not psutil.pid_exists(process.pid)


def test_the_simulated_arduino_runs_by_hand_as_its_page_says(site):
    [command] = re.findall(r"^    (python -m .*)$", section("arduino", "Without a device"), re.M)
    python, *words, path = shlex.split(command)
    assert python == "python"
    port = site.folder / Path(path).name
    process = subprocess.Popen(
        [sys.executable, *words, str(port)], cwd=site.folder, stdout=subprocess.DEVNULL
    )
    try:
        wait_until(port.exists, "the port")
        arduino = Arduino(str(port))
        assert len(arduino.read(threading.Event()).volts) == 2
        arduino.close()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert not port.exists()
