"""The site of a soak, in folders of its own: its file, its daemon, its processes."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml

from ocsd.cli.control import Daemon
from ocsd.client.http import ControlClient
from ocsd.errors import OcsdError
from ocsd.paths import HostPaths

HOST = "soak"
CRASHING = "crash-01"
HANGING = "hang-01"
RESTLESS = frozenset({CRASHING, HANGING})
"""Instances that end by themselves, so nobody wonders at their new processes."""

ANSWER_LIMIT_S = 2.0
STOP_LIMIT_S = 120.0


class Scene:
    """One host with its agents.

    Parameters
    ----------
    folder : Path
        Gets everything; its path must be short, for sockets are in it.
    agents : int
        How many agents, with the one that crashes over and over and the one that
        hangs now and then.
    """

    def __init__(self, folder: Path, agents: int) -> None:
        self.folder = folder
        self.port = _free_port()
        self.paths = HostPaths(
            HOST, folder / "run" / HOST, folder / "state" / HOST, folder / "log" / HOST
        )
        self.daemon = Daemon(HOST, self.paths.control_socket)
        self.willing = [f"soak-{number:02d}" for number in range(1, max(2, agents // 8) + 1)]
        plain = agents - len(self.willing) - len(RESTLESS)
        self.fakes = [f"fake-{number:02d}" for number in range(1, plain + 1)]
        self.names = [*self.fakes, *self.willing]
        self.entries = {entry["instance-id"]: entry for entry in self._entries()}
        self._commands: list[subprocess.Popen[bytes]] = []
        plugins = folder / "plugins"
        plugins.mkdir()
        shutil.copy(Path(__file__).with_name("soak_agent.py"), plugins)
        (plugins / "ocs_plugin_soak.py").write_text("agents = [('SoakAgent', 'soak_agent.py')]\n")
        self.write()

    @property
    def file(self) -> Path:
        """The site file."""
        return self.folder / "site.yaml"

    def write(self) -> None:
        """Write the site file, as its entries are now."""
        url = f"localhost:{self.port}"
        host = {
            "agent-paths": [str(self.folder / "plugins")],
            "agent-instances": list(self.entries.values()),
        }
        hub = {"wamp_server": f"ws://{url}/ws", "wamp_http": f"http://{url}/call"}
        unfinished = self.file.with_suffix(".new")
        unfinished.write_text(yaml.safe_dump({"hub": hub, "hosts": {HOST: host}}))
        unfinished.replace(self.file)

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """Issue a command of ocsd; what it prints is added to ``commands.log``."""
        self._commands = [each for each in self._commands if each.poll() is None]
        folders = {
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "LOGS_DIRECTORY": str(self.folder / "log"),
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OCS")}
        with (self.folder / "commands.log").open("ab") as log:
            log.write(f"{time.strftime('%H:%M:%S')} ocsd {' '.join(words)}\n".encode())
            log.flush()
            process = subprocess.Popen(
                [sys.executable, "-m", "ocsd", *words],
                env={**kept, **folders, "NO_COLOR": "1"},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._commands.append(process)
        return process

    def start(self) -> subprocess.Popen[bytes]:
        """Start the daemon, as systemd does when it has died."""
        return self.command("start", "-d", "--site-file", str(self.file), "--host", HOST)

    def status(self) -> dict[str, Any] | None:
        """Return what the daemon says; None if it says nothing."""
        try:
            return self.daemon.status(ANSWER_LIMIT_S)
        except (OcsdError, OSError, json.JSONDecodeError):
            return None

    def client(self, name: str) -> ControlClient:
        """Return a client of an agent."""
        url = f"http://localhost:{self.port}/call"
        return ControlClient(f"observatory.{name}", url, timeout_s=ANSWER_LIMIT_S)

    def processes(self) -> Iterator[psutil.Process]:
        """Yield everything that works in the folder, without zombies."""
        for pid in psutil.pids():
            try:
                if Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(self.folder):
                    process = psutil.Process(pid)
                    if process.status() != psutil.STATUS_ZOMBIE:
                        yield process
            except (psutil.Error, OSError):
                continue

    def fork_server(self) -> int | None:
        """Return the pid of the fork server; None if there is none."""
        found = []
        for each in self.processes():
            try:
                if "ocsd.forkserver" in each.cmdline():
                    found.append((each.create_time(), each.pid))
            except psutil.Error:
                continue
        return min(found)[1] if found else None

    def fork_server_listens(self) -> bool:
        """Whether a fork server takes requests, found out without disturbing it (proc_net(5))."""
        accepts = "00010000"
        for line in Path("/proc/net/unix").read_text().splitlines():
            fields = line.split()
            if fields[-1] == str(self.paths.forkserver_socket) and fields[3] == accepts:
                return True
        return False

    def close(self) -> list[str]:
        """End everything, gently and then by force; return what did not end by itself."""
        for each in self.processes():
            each.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.command("stop", "--host", HOST).wait(STOP_LIMIT_S)
        left = []
        for each in psutil.wait_procs(list(self.processes()), timeout=5)[1]:
            left.append(" ".join(each.cmdline()) or each.name())
            each.kill()
        return left

    def _entries(self) -> Iterator[dict[str, Any]]:
        for number, name in enumerate(self.fakes):
            words = ["--mode", "acq", "--num-channels", 2, "--sample-rate", 1]
            entry = _entry("FakeDataAgent", name, words)
            if number % 5 == 4:  # every fifth waits for the one before it
                entry["after"] = [self.fakes[number - 1]]
            yield entry
        for name in self.willing:
            yield _entry("SoakAgent", name, [])
        yield _entry("SoakAgent", CRASHING, ["--crash-after", 2])
        yield _entry("SoakAgent", HANGING, ["--hang-after", 90])


def _entry(agent_class: str, name: str, arguments: list[Any]) -> dict[str, Any]:
    return {"agent-class": agent_class, "instance-id": name, "arguments": arguments}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
