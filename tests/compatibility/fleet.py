"""A real site on this machine: router, daemon and the agents to be examined."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from ocsd.client.http import ControlClient, ControlClientError

HOST = "compatibility"
ROOT = "observatory"
REALM = "test_realm"


@dataclass(frozen=True)
class Wanted:
    """One instance that shall run."""

    class_name: str
    arguments: Sequence[object]
    restart: str = "never"

    @property
    def instance_id(self) -> str:
        """Its instance-id."""
        return self.class_name.lower()


@dataclass
class Fleet:
    """A site file, its folders and its daemon."""

    folder: Path
    more_environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())

    @property
    def site_file(self) -> Path:
        """The site file."""
        return self.folder / "default.yaml"

    @property
    def http(self) -> str:
        """The router's HTTP bridge."""
        return f"http://127.0.0.1:{self.port}/call"

    @property
    def environment(self) -> dict[str, str]:
        """What everything of this site finds in its environment."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OCS")}
        kinds = ("runtime", "state", "logs")
        folders = {f"{kind.upper()}_DIRECTORY": str(self.folder / kind) for kind in kinds}
        # A library that plots would ask a display otherwise.
        return {**kept, **folders, "MPLBACKEND": "agg", **self.more_environment}

    def write(self, instances: Sequence[Wanted], others: Sequence[Wanted] = ()) -> None:
        """Write the site file; `others` get an entry, but are not started by ocsd."""
        hub = {
            "wamp_server": f"ws://127.0.0.1:{self.port}/ws",
            "wamp_http": self.http,
            "wamp_realm": REALM,
            "address_root": ROOT,
        }
        entries = [_entry(each, each.instance_id, "up") for each in instances]
        entries += [_entry(each, published_id(each), "ignore") for each in others]
        hosts = {HOST: {"crossbar": {}, "agent-instances": entries, "web": {"enabled": False}}}
        self.site_file.write_text(yaml.safe_dump({"hub": hub, "hosts": hosts}, sort_keys=False))

    def ocsd(self, *words: str, limit_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of ocsd."""
        return subprocess.run(
            [sys.executable, "-m", "ocsd", *words],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )

    def rows(self) -> dict[str, Mapping[str, Any]]:
        """Return ``ocsd status --json`` by instance."""
        answer = json.loads(self.ocsd("status", "--json", "--host", HOST).stdout)
        return {row["instance_id"]: row for row in answer["instances"]}

    def client(self, instance_id: str) -> ControlClient:
        """Return a client of one agent."""
        return ControlClient(f"{ROOT}.{instance_id}", self.http, timeout_s=5)

    def api(self, instance_id: str) -> dict[str, list[str]] | None:
        """Return the names of an agent's tasks, processes and feeds; None if it does not answer."""
        try:
            return self.client(instance_id).get_api(simple=True)
        except ControlClientError:
            return None

    def log(self, instance_id: str) -> list[str]:
        """Return the lines of an agent's log."""
        path = self.folder / "logs" / HOST / f"{instance_id}.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []


@contextmanager
def running(fleet: Fleet) -> Iterator[Fleet]:
    """Start the daemon of a fleet, and end everything afterwards."""
    daemon = subprocess.Popen(
        [sys.executable, "-m", "ocsd", "start", "--site-file", fleet.site_file, "--host", HOST],
        env=fleet.environment,
        cwd=fleet.folder,
        stdout=(fleet.folder / "daemon.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        until(lambda: fleet.ocsd("status", "--host", HOST).returncode in (0, 3), 30, "the daemon")
        until(lambda: fleet.api("registry"), 60, "the router and the registry")
        yield fleet
    finally:
        with suppress(subprocess.TimeoutExpired):
            fleet.ocsd("stop", "--host", HOST)
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(20)
        _end(fleet.folder)


def until(condition: Callable[[], object], limit_s: float, what: str = "") -> bool:
    """Wait for a condition; if it does not come true, fail when it has a name."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            if what:
                raise TimeoutError(f"waited {limit_s:g} s in vain for {what}")
            return False
        time.sleep(0.1)
    return True


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder with a short name, for the paths of Unix sockets must be short."""
    folder = Path(tempfile.mkdtemp(prefix="ocsd-compat-"))
    try:
        yield folder
    finally:
        if not os.environ.get("OCSD_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def published_id(wanted: Wanted) -> str:
    """Return the instance-id of the same agent under the published OCS."""
    return f"{wanted.instance_id}-ocs"


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _entry(wanted: Wanted, instance_id: str, manage: str) -> dict[str, Any]:
    return {
        "agent-class": wanted.class_name,
        "instance-id": instance_id,
        "manage": manage,
        "restart": wanted.restart,
        "arguments": [_word(each) for each in wanted.arguments],
    }


def _word(value: object) -> object:
    """Return an argument as a site file has it: with True, False and null as they are."""
    if value is None or isinstance(value, bool):
        return value
    return str(value)


def _end(folder: Path) -> None:
    """End what is left of a site: whatever works in its folder or has it in its environment."""
    mark = str(folder / "runtime")
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("RUNTIME_DIRECTORY") == mark:
                process.send_signal(signal.SIGKILL)
