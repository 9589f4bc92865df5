"""An ocsd site, and the published OCS in an environment of its own to talk to it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import forked_commands
from tests.system.waiting import wait_until

collect_ignore = ["written_for_ocs"]  # run as somebody else's tests

ROOT = Path(__file__).resolve().parents[2]
HOST = "interop"
RECORDING = ("--initial-state", "record")

PROBE = Path(__file__).parent / "probe"
QUESTIONS = PROBE / "questions.py"

# What every script of a test may use. The arguments lead OCS to the site file.
PRELUDE = """
import json, sys, time
from ocs.ocs_client import OCSClient

def client(instance_id):
    return OCSClient(instance_id, args=sys.argv[1:])

def is_there(instance_id):
    try:
        return client(instance_id)
    except RuntimeError:
        return None

def until(condition, limit_s=10):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError('it did not come true')
        time.sleep(0.05)

"""


@dataclass(frozen=True)
class OcsdSite:
    """A running site."""

    folder: Path
    site_file: Path
    ocs_arguments: list[str]

    def ocsd(self, *arguments: str, limit_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command of ocsd."""
        return forked_commands.run(
            arguments, self._environment(), Path.cwd(), limit_s, forks_daemons=True
        )

    def status(self) -> dict[str, Any]:
        """Return ``ocsd status --json``."""
        return json.loads(self.ocsd("status", "--json").stdout)

    def pids(self) -> set[int]:
        """Return the pids of everything that runs."""
        status = self.status()
        things = [status, status["router"], *status["instances"]]
        return {thing["pid"] for thing in things if thing.get("pid")}

    def data_files(self) -> list[Path]:
        """Return the files that the aggregator has written."""
        return sorted(self.folder.glob("**/*.g3"))

    def _environment(self) -> dict[str, str]:
        kinds = ("runtime", "state", "logs")
        return os.environ | {f"{kind.upper()}_DIRECTORY": str(self.folder / kind) for kind in kinds}


@dataclass(frozen=True)
class PublishedOcs:
    """The published OCS, run by its own interpreter."""

    python: Path
    site: OcsdSite

    def run(self, script: str) -> Any:
        """Run a script that leaves something in `result`; return that."""
        code = PRELUDE + textwrap.dedent(script) + "\nprint(json.dumps(result))"
        return json.loads(self._output([self.python, "-c", code, *self.site.ocs_arguments]))

    def program(self, name: str, *words: str) -> str:
        """Run one of OCS's programs and return what it prints."""
        return self._output([self.python.with_name(name), *self.site.ocs_arguments, *words])

    def client_cli(self, *arguments: str, check: bool = True) -> str:
        """Run ``ocs-client-cli`` and return what it prints; without `check` it may fail."""
        program = self.python.with_name("ocs-client-cli")
        return self._output([program, *self.site.ocs_arguments, *arguments], check)

    def ask(self, instance_id: str) -> dict[str, Any]:
        """Ask an agent everything with OCS's client; return the answers."""
        command = [self.python, QUESTIONS, "ocs", instance_id, *self.site.ocs_arguments]
        return json.loads(self._output(command))

    @contextmanager
    def agent(
        self,
        program: str | Path,
        instance_id: str,
        *arguments: str,
        until_joined: bool = False,
    ) -> Iterator[int]:
        """Run an agent of OCS, or a script as one, and give its pid."""
        script = [program] if isinstance(program, Path) else ["-m", f"ocs.agents.{program}.agent"]
        command = [self.python, *script, *self.site.ocs_arguments, *arguments]
        with (self.site.folder / f"{instance_id}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, f"--instance-id={instance_id}"],
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        try:
            if until_joined:
                self.run(f"""
                    until(lambda: is_there({instance_id!r}), 30)
                    result = None
                """)
            yield process.pid
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def listener(self, topic: str) -> Iterator[Iterator[Any]]:
        """Run ``ocs-client-cli listen --json`` and give what it hears."""
        program = self.python.with_name("ocs-client-cli")
        process = subprocess.Popen(
            [program, *self.site.ocs_arguments, "listen", topic, "--json"],
            env=self._environment() | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            yield (json.loads(line) for line in process.stdout if line.startswith("{"))
        finally:
            process.kill()
            process.communicate()

    def _output(self, command: list[str | Path], check: bool = True) -> str:
        done = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        # Nothing may lead its interpreter to our packages.
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@pytest.fixture(scope="session")
def site() -> Iterator[OcsdSite]:
    """A site of two FakeDataAgents with ocsd's own router, registry and aggregator."""
    # pytest's own folders have long names; a Unix socket's path is limited.
    folder = Path(tempfile.mkdtemp(prefix="ocsd-interop-"))
    site_file = folder / "default.yaml"
    site_file.write_text(yaml.safe_dump(_site(_free_port(), folder / "data"), sort_keys=False))
    site = OcsdSite(folder, site_file, [f"--site-file={site_file}", f"--site-host={HOST}"])
    try:
        words = ["-d", "--host", HOST, "--site-file", str(site_file)]
        started = site.ocsd("start", *words, limit_s=200)
        # 3: on a busy machine not all was up after 30 s, and comes up by itself.
        assert started.returncode in {0, 3}, started.stdout + started.stderr
        _until(lambda: site.ocsd("status").returncode == 0, limit_s=120)
        pids = site.pids()
        yield site
        stopped = site.ocsd("stop")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr
        _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), limit_s=20)
    finally:
        _end(site)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def ocs(ocs_python: Path, site: OcsdSite) -> PublishedOcs:
    """The published OCS, pointed at the site."""
    return PublishedOcs(ocs_python, site)


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a condition."""
    return _until


def _until(condition: Callable[[], object], limit_s: float = 20) -> None:
    wait_until(condition, "a condition", limit_s)


def _site(port: int, data_folder: Path) -> dict[str, Any]:
    def fake(number: int, mode: str, manage: str = "up") -> dict[str, Any]:
        arguments = [["--mode", mode], ["--num-channels", "16"], ["--sample-rate", "4"]]
        return {
            "agent-class": "FakeDataAgent",
            "instance-id": f"fake-data{number}",
            "manage": manage,
            "arguments": [*arguments, ["--frame-length", "5"]],
        }

    def other(agent_class: str, name: str, manage: str, *arguments: str) -> dict[str, Any]:
        entry = {"agent-class": agent_class, "instance-id": name, "manage": manage}
        return {**entry, "arguments": list(arguments)}

    # What ocsd is to leave alone is run by the published OCS.
    agents = [
        fake(1, "acq"),
        fake(2, "idle"),
        fake(3, "acq", "ignore"),
        other("ProbeAgent", "probe", "up"),
        other("ACUAgent", "acu1", "up"),
        other("PysmurfController", "smurf1", "up"),
        other("PysmurfController", "smurf2", "up", "--broken"),
        other("HostManager", f"hm-{HOST}", "up"),
        other("ProbeAgent", "probe-ocs", "ignore"),
        other("AggregatorAgent", "aggregator-ocs", "ignore"),
        other("AggregatorAgent", "aggregator", "up", "--data-dir", str(data_folder), *RECORDING),
    ]
    return {
        "hub": {
            "wamp_server": f"ws://127.0.0.1:{port}/ws",
            "wamp_http": f"http://127.0.0.1:{port}/call",
            "wamp_realm": "test_realm",
            "address_root": "observatory",
        },
        "hosts": {
            HOST: {
                "crossbar": {},
                "agent-paths": [str(PROBE)],
                "agent-instances": agents,
                "web": {"enabled": False},
            }
        },
    }


def _free_port() -> int:
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        port: int = candidate.getsockname()[1]
        return port


def _end(site: OcsdSite) -> None:
    """End what a failed test run has left: nothing but processes of this site's folder."""
    with suppress(subprocess.TimeoutExpired):
        site.ocsd("stop")
    mark = f"RUNTIME_DIRECTORY={site.folder}/runtime".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue
