"""`ocsd new`: what it makes is installed, tested and run as its README.md says."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.system.waiting import free_port, wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

REPOSITORY = Path(__file__).parents[3]
MYPY_CACHE = REPOSITORY / ".mypy_cache" / "authors"
"""What mypy found out of the libraries: the file about the guide needs the same."""
COMMAND_LIMIT_S = 300
KINDS = ("plain", "serial", "tcp", "http")

# It takes minutes for each kind; with $OCSD_TEST_EVERY_KIND it is every one.
TRIED = KINDS if os.environ.get("OCSD_TEST_EVERY_KIND") else ("serial",)
each_kind = pytest.mark.parametrize("kind", TRIED)


@dataclass
class Environment:
    """A virtual environment with ocsd, and with the made packages in it."""

    folder: Path
    made: dict = field(default_factory=dict)

    def package(self, kind):
        """Return the folder of an agent, made and installed as `ocsd new` says."""
        if kind not in self.made:
            option = f" --{kind}" if kind != "plain" else ""
            told = self.run(f"ocsd new {kind}-thing{option}", self.folder)
            first, enter, install, test = told.splitlines()
            assert first == f"made {kind}-thing, with {kind.title()}ThingAgent; next:"
            self.run(f"{enter} && {install}", self.folder)
            # A test of its own runs that.
            assert test == "  python -m pytest"
            self.made[kind] = self.folder / f"{kind}-thing"
        return self.made[kind]

    @property
    def bin(self):
        return self.folder / "venv" / "bin"

    def make(self):
        """Make it; the libraries are this environment's, for an installation takes minutes."""
        venv = self.folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        [packages] = venv.glob("lib/python3*/site-packages")
        here = sysconfig.get_paths()["purelib"]
        (packages / "base.pth").write_text(f"import site; site.addsitedir({here!r})\n")
        for name, module in {"ocsd": "ocsd", "pip": "pip", "pytest": "pytest"}.items():
            script = self.bin / name
            script.write_text(f'#!/bin/sh\nexec {self.bin}/python -m {module} "$@"\n')
            script.chmod(0o755)
        (self.bin / "crossbar").symlink_to(Path(sys.executable).with_name("crossbar"))

    def run(self, command, folder, **environment):
        """Run a command as a shell does; return what it prints."""
        done = subprocess.run(
            ["sh", "-c", command.replace("pip install", "pip install --no-index -q")],
            cwd=folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_LIMIT_S,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    @property
    def environment(self):
        inherited = {name: value for name, value in os.environ.items() if name[:3] != "OCS"}
        # 0 means: do without (pip's own way of reading it).
        pip = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return {**inherited, **pip, "PATH": f"{self.bin}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """An environment in which an agent of each kind is made and installed."""
    lab = Environment(tmp_path_factory.mktemp("new"))
    lab.make()
    return lab


@each_kind
def test_its_own_tests_pass(lab, kind):
    told = lab.run("python -m pytest", lab.package(kind))
    assert re.search(r"\d+ passed", told)
    assert "skipped" not in told


@each_kind
def test_it_passes_the_conformance_suite(lab, kind):
    told = lab.run(
        f"pytest --ocsd-agent {kind.title()}ThingAgent -p no:cacheprovider",
        lab.package(kind),
    )
    passed = int(re.search(r"(\d+) passed", told)[1])
    if kind == "plain":
        assert passed >= 15, told
    else:
        assert "skipped" not in told


def test_its_types_are_right(lab):
    pytest.importorskip("mypy")
    for kind in TRIED:
        lab.run(
            "python -m mypy --follow-imports=silent",
            lab.package(kind),
            MYPYPATH=str(REPOSITORY / ".typing"),
            MYPY_CACHE_DIR=str(MYPY_CACHE),
        )


@dataclass
class Reader:
    """Somebody who does what README.md says, with ports that are free here."""

    lab: Environment
    site: object
    kind: str
    running: list = field(default_factory=list)

    @property
    def folder(self):
        return self.lab.package(self.kind)

    @property
    def instance(self):
        return f"{self.kind}-thing1"

    @property
    def environment(self):
        path = self.lab.environment["PATH"]
        return {**self.site.environment, "PYTHONUNBUFFERED": "1", "PATH": path}

    def settle_in(self):
        """Put free ports into the site file; return where the simulator is to be."""
        file = self.folder / "site-configs/default.yaml"
        text = file.read_text().replace("8001", str(self.site.port))
        place = str(free_port())
        if self.kind == "serial":
            place = str(self.site.folder / "port")
        file.write_text(re.sub(r"7777|7780|/tmp/serial-thing1", place, text))
        return place

    def commands(self):
        return re.findall(r"^    (.*)$", (self.folder / "README.md").read_text(), re.MULTILINE)

    def run(self, command):
        if command == "ocsd start -d":
            self.site.daemons.append("localhost")
            # On a busy machine it says that the host still starts.
            command += " || test $? = 3"
        return self.lab.run(command, self.folder, **self.environment)

    def open(self, command):
        """Run a command in a terminal of its own."""
        log = self.site.folder / f"terminal{len(self.running)}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.lab.environment | self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)
        return process, log

    def values(self):
        """Return the fields for which a value has arrived."""
        told = self.run(f"ocsd values {self.instance} || true")
        return set(re.findall(r"\b(stage_k|shield_k|wave_v)\b", told))


@pytest.fixture
def reader(lab, site, kind):
    reader = Reader(lab, site, kind)
    yield reader
    for process in reader.running:
        process.kill()
        process.wait()


@each_kind
def test_the_readme_leads_to_values(reader):
    place = reader.settle_in()
    install, tests, suite, *commands = reader.commands()
    assert (install, tests) == ("pip install -e '.[test]'", "pytest")
    assert suite == f"pytest --ocsd-agent {reader.kind.title()}ThingAgent"
    if reader.kind != "plain":
        process, log = reader.open(f"{commands.pop(0)} {place}")
        wait_until(lambda: "the device is at" in log.read_text(), "the simulator")
    down, run = commands[-2:]
    outputs = {}
    for command in commands[:-2]:
        outputs[command] = reader.run(command)
        if command == "ocsd start -d":
            wait_until(reader.values, "values")
    assert re.search(rf"{reader.instance} .*ThingAgent .*up", outputs["ocsd status"])
    [called] = (told for command, told in outputs.items() if command.startswith("ocsd call"))
    assert "succeeded" in called

    assert down == f"ocsd down {reader.instance}"
    reader.run(down)
    process, log = reader.open(run)
    try:
        wait_until(lambda: "acq" in log.read_text(), "the agent in the foreground")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in {0, 130}
