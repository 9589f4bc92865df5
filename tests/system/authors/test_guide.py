"""The guide for authors, docs/write/writing-an-agent.md: everything that it shows runs."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from so3g.hk import HKArchiveScanner

from ocsd.ocs_twisted import TimeoutLock
from tests.system.authors.test_agents import data, port_of
from tests.system.authors.test_new_agent import MYPY_CACHE
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "write" / "writing-an-agent.md"
PACKAGE_PAGE = PAGE.with_name("publishing.md")
DOCKERFILE = REPOSITORY / "agents" / "arduino" / "Dockerfile"
IN_PACKAGE = "from lab_agents.thermometer.drivers import Thermometer"


@dataclass
class Guide:
    """What the page shows: files, other contents for some of them, snippets, commands."""

    files: dict = field(default_factory=dict)
    alternatives: dict = field(default_factory=dict)
    snippets: list = field(default_factory=list)
    indented: list = field(default_factory=list)

    def take(self, label, text):
        match = re.match(r"`([\w./-]+)`( goes on| could also be)?:$", label)
        if match is None:
            self.snippets.append(text)
        elif match[2] == " could also be":
            self.alternatives[match[1]] = text
        elif match[2] == " goes on":
            self.files[match[1]] += "\n" + text
        else:
            assert match[1] not in self.files
            self.files[match[1]] = text


def read_guide(page):
    guide = Guide()
    label, fenced = "", None
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            if fenced is not None:
                guide.take(label, "\n".join(fenced) + "\n")
            fenced = [] if fenced is None else None
        elif fenced is not None:
            fenced.append(line)
        elif line.startswith("    "):
            guide.indented.append(line.strip())
        elif line:
            label = line
    return guide


GUIDE = read_guide(PAGE)
PACKAGE = read_guide(PACKAGE_PAGE)
LISTED = [line for line in GUIDE.indented if re.match(r"[\w./-]+  ", line)]
COMMANDS = [line for line in GUIDE.indented if line not in LISTED]
LOCAL = [path for path in GUIDE.files if path.startswith(("lab-agents/", "site-configs/"))]


@dataclass
class Lab:
    """The reader's folder, computer and terminal."""

    site: object
    device_port: int = field(default_factory=free_port)
    running: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)

    def mine(self, text):
        """Return a text of the page with ports that are free here."""
        return text.replace("8001", str(self.site.port)).replace("7777", str(self.device_port))

    def write(self, path, text):
        file = self.site.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.mine(text))

    @property
    def environment(self):
        # `python3`, `ocsd` and `pytest` are those of this environment.
        return {
            **self.site.environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "MYPY_CACHE_DIR": str(MYPY_CACHE),
        }

    def run(self, command, limit_s=240):
        """Run a command of the page to its end; return what it prints."""
        if command == "ocsd start -d":
            self.site.daemons.append("localhost")
        done = subprocess.run(
            ["sh", "-c", self.mine(command)],
            env=self.environment,
            cwd=self.site.folder,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        self.outputs[command] = done.stdout
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def open(self, command):
        """Run a command in a terminal of its own."""
        log = self.site.folder / f"terminal{len(self.running)}"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {self.mine(command)}"],
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                cwd=self.site.folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        process.log = log
        self.running.append(process)
        return process

    def reading(self):
        """Return the session data of acq while there are readings, else nothing."""
        now = data(self.site, "thermo1", "acq")
        return now if now.get("fields") else None

    def close(self, process):
        """Press Ctrl-C."""
        process.send_signal(signal.SIGINT)
        code = process.wait(20)
        self.running.remove(process)
        return code


@pytest.fixture
def lab(site):
    lab = Lab(site)
    for path in LOCAL:
        lab.write(path, GUIDE.files[path])
    yield lab
    for process in lab.running:
        process.kill()
        process.wait()


def open_simulator(lab):
    process = lab.open(SIMULATOR)
    wait_until(lambda: "the thermometer is at" in process.log.read_text(), "the simulator")
    return process


def check_listen(lab):
    process = lab.open(LISTEN)
    wait_until(lambda: "channel_1" in process.log.read_text(), "a message")
    lab.close(process)


def check_foreground(lab, command):
    """Run the agent in a terminal, see that it acquires, end it."""
    process = lab.open(command)
    try:
        wait_until(lab.reading, f"data of {command}")
    finally:
        code = lab.close(process)
    assert code in {0, 130}, process.log.read_text()
    wait_until(lambda: not data(lab.site, "thermo1", "acq"), "the agent to be gone")


SIMULATOR = "python3 lab-agents/thermometer/simulator.py 7777"
LISTEN = "ocsd listen thermo1.temperatures"
RUN = "ocsd run thermo1 --reload"
BY_HAND = "python3 lab-agents/thermometer/agent.py --instance-id=thermo1"
CONFORMANCE = "pytest --ocsd-agent lab-agents/thermometer/agent.py"

TYPE_CHECK = (
    "MYPYPATH=/path/to/ocsd/.typing mypy --follow-imports=silent lab-agents/thermometer/agent.py"
)

# What to do with a command of the page; any other runs to its end and has to succeed.
STAYING = {
    SIMULATOR: open_simulator,
    LISTEN: check_listen,
    RUN: lambda lab: check_foreground(lab, RUN),
    BY_HAND: lambda lab: check_foreground(lab, BY_HAND),
    TYPE_CHECK: lambda lab: lab.run(TYPE_CHECK.replace("/path/to/ocsd", str(REPOSITORY))),
}


def test_the_files_listed_at_the_top_are_those_that_follow():
    assert [line.split()[0] for line in LISTED] == [
        "lab-agents/ocs_plugin_lab.py",
        "lab-agents/thermometer/simulator.py",
        "lab-agents/thermometer/drivers.py",
        "lab-agents/thermometer/agent.py",
        "lab-agents/thermometer/Dockerfile",
        "site-configs/default.yaml",
    ]
    assert {line.split()[0] for line in LISTED} == set(LOCAL)
    assert set(GUIDE.files) - set(LOCAL) == {"docker-compose.yml"}


def test_every_command_of_the_page_does_what_the_page_says(lab):
    assert set(STAYING) <= set(COMMANDS)
    for command in COMMANDS:
        if command == CONFORMANCE:
            continue  # a test of its own, below
        STAYING.get(command, lambda lab, command=command: lab.run(command))(lab)
        if command == "ocsd start -d":
            wait_until(lab.reading, "readings")
    assert re.search(r"thermo1 .*ThermometerAgent .*up", lab.outputs["ocsd status"])
    assert "set_heater" in lab.outputs["ocsd ops thermo1"]
    assert "channel_0" in lab.outputs["ocsd call thermo1 acq status"]
    assert "0.25 W" in lab.outputs["ocsd call thermo1 set_heater power=0.25"]
    # The heater warms the first sensor: the task reached the device.
    assert wait_until(lab.reading, "readings")["fields"]["channel_0"] > 6
    first = wait_until(lab.reading, "readings")["timestamp"]
    wait_until(lambda: lab.reading()["timestamp"] > first + 3, "three seconds of readings")
    assert lab.site.ocsd("stop").returncode == 0
    scanner = HKArchiveScanner()
    for path in sorted((lab.site.folder / "data").glob("*/*.g3")):
        scanner.process_file(str(path))
    field = "observatory.thermo1.feeds.temperatures.channel_1"
    _, kelvin = scanner.finalize().simple(field, short_match=False)
    assert len(kelvin) > 20
    assert ((kelvin > 76.9) & (kelvin < 77.1)).all()


def test_a_stopped_simulator_degrades_the_agent_and_a_started_one_heals_it(lab):
    simulator = open_simulator(lab)
    lab.run("ocsd start -d")
    wait_until(lab.reading, "readings")
    lab.close(simulator)
    row = wait_until(
        lambda: (row := lab.site.instance("thermo1", "localhost"))["health"] == "degraded" and row,
        "a loss",
    )
    assert row["state"] == "up"
    assert "refused" in data(lab.site, "thermo1", "acq")["error"]
    open_simulator(lab)
    wait_until(lambda: lab.site.instance("thermo1", "localhost")["health"] == "ok", "recovery")
    assert lab.site.instance("thermo1", "localhost")["pid"] == row["pid"]


def test_a_plug_in_file_may_call_a_function_instead(lab):
    [(path, text)] = GUIDE.alternatives.items()
    lab.write(path, text)
    open_simulator(lab)
    lab.run("ocsd start -d")
    assert wait_until(lab.reading, "readings")


def test_the_agent_runs_from_a_package(lab):
    """The package lies as pip would install it; pip itself would need the network."""
    installed = lab.site.folder / "installed"
    for path in ("agent.py", "drivers.py"):
        text = GUIDE.files[f"lab-agents/thermometer/{path}"]
        text = text.replace("from drivers import Thermometer", IN_PACKAGE)
        lab.write(f"installed/lab_agents/thermometer/{path}", text)
    assert IN_PACKAGE in (installed / "lab_agents/thermometer/agent.py").read_text()
    assert f"`{IN_PACKAGE}`" in PACKAGE_PAGE.read_text()
    lab.write("installed/lab_agents/__init__.py", "")
    lab.write("installed/lab_agents/thermometer/__init__.py", "")
    lab.write("installed/lab_agents/plugin.py", PACKAGE.files["package/lab_agents/plugin.py"])
    project = tomllib.loads(PACKAGE.files["package/pyproject.toml"])
    named = project["project"]
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in named["entry-points"].items()
    ]
    info = f"installed/lab_agents-{named['version']}.dist-info"
    lab.write(f"{info}/entry_points.txt", "".join(lines))
    lab.write(
        f"{info}/METADATA",
        f"Metadata-Version: 2.1\nName: {named['name']}\nVersion: {named['version']}\n",
    )
    assert project["tool"]["setuptools"]["packages"] == ["lab_agents", "lab_agents.thermometer"]

    site_file = yaml.safe_load(lab.mine(GUIDE.files["site-configs/default.yaml"]))
    del site_file["hosts"]["localhost"]["agent-paths"]
    lab.write("site-configs/default.yaml", yaml.safe_dump(site_file))
    lab.site.extra_environment["PYTHONPATH"] = str(installed)
    open_simulator(lab)
    lab.run("ocsd start -d")
    assert wait_until(lab.reading, "readings")


@pytest.mark.timeout(300)
def test_the_agent_passes_the_conformance_suite(lab):
    told = lab.run(f"{CONFORMANCE} -p no:cacheprovider", limit_s=280)
    assert re.search(r"\d+ passed", told)
    assert CONFORMANCE in COMMANDS


def test_the_snippet_about_the_lock_gives_up_when_it_is_held():
    [snippet] = GUIDE.snippets
    source = "def operation(self):\n" + textwrap.indent(snippet, "    ")
    source += "        return True, 'done'\n"
    namespace = {}
    exec(source, namespace)
    agent = SimpleNamespace(lock=TimeoutLock())
    assert namespace["operation"](agent) == (True, "done")
    agent.lock.acquire(job="acq")
    assert namespace["operation"](agent) == (
        False,
        "Could not acquire lock. It is held by acq.",
    )


def test_the_mistakes_get_what_the_page_says(lab):
    open_simulator(lab)
    agent = GUIDE.files["lab-agents/thermometer/agent.py"]
    entered = '        try:\n            self.locked("set_heater"'
    crash = "        raise RuntimeError('sensor 3 is on fire')\n"
    spoilt = agent.replace(entered, crash + entered)
    assert spoilt != agent
    lab.write("lab-agents/thermometer/agent.py", spoilt)
    lab.run("ocsd start -d")
    wait_until(lab.reading, "readings")
    crashed = lab.site.ocsd("call", "thermo1", "set_heater", "power=0.5", "--host", "localhost")
    assert crashed.returncode == 1
    assert (
        "CRASH: operation 'set_heater' raised RuntimeError: sensor 3 is on fire"
        in crashed.stdout + crashed.stderr
    )
    assert "Traceback" in lab.run("ocsd logs thermo1")
    refused = lab.site.ocsd("call", "thermo1", "set_heater", "power=2", "--host", "localhost")
    assert refused.returncode == 1
    assert "Param 'power' failed validity check (see docs?)." in refused.stdout + refused.stderr
    assert lab.reading()


def test_the_dockerfile_is_that_of_our_agents_for_another_folder():
    ours = [
        line for line in DOCKERFILE.read_text().splitlines() if line and not line.startswith("#")
    ]
    shown = GUIDE.files["lab-agents/thermometer/Dockerfile"].splitlines()
    assert [line.replace("thermometer", "arduino") for line in shown if line] == ours


def test_the_compose_file_starts_the_agent_that_the_site_file_has(lab, ocsd_router):
    """Docker's part, by hand: variables, working folder, entry point, mounted folder."""
    service = yaml.safe_load(GUIDE.files["docker-compose.yml"])["services"]["thermo1"]
    given = dict(word.split("=", 1) for word in service["environment"])
    [volume] = service["volumes"]
    source, target, _ = volume.split(":")
    read = dict(
        line.split(maxsplit=1)
        for line in GUIDE.files["lab-agents/thermometer/Dockerfile"]
        .replace("\\\n", "")
        .splitlines()
        if line
    )
    assert read["ENV"] == f"OCS_CONFIG_DIR={target}"
    lab.site.port = port_of(ocsd_router)
    open_simulator(lab)
    words = [
        word.replace("crossbar:8001", f"localhost:{lab.site.port}")
        for word in json.loads(read["CMD"])
    ]
    entry_point = json.loads(read["ENTRYPOINT"])
    assert entry_point[:3] == ["tini", "--", "python3"]
    with open(lab.site.folder / "container.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, *entry_point[3:], *words],
            cwd=lab.site.folder / "lab-agents" / "thermometer",
            env={
                **lab.environment,
                **given,
                "OCS_CONFIG_DIR": str(lab.site.folder / source),
            },
            stdout=log,
            stderr=log,
        )
    lab.running.append(process)
    wait_until(lab.reading, "readings")
    process.terminate()
    assert process.wait(15) == 0
