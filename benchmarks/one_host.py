"""A site of one host in folders of its own: its file, its daemon, its processes."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml

from ocsd.cli.talk.control import DaemonClient
from ocsd.client.http import ControlClient
from ocsd.errors import OcsdError
from ocsd.system.paths import HostPaths

ANSWER_LIMIT_S = 2.0
STOP_LIMIT_S = 120.0


class OneHost:
    """One host with its agents.

    Parameters
    ----------
    folder : Path
        Gets everything; its path must be short, for sockets are in it.
    host : str
        The host's name.
    plugin : Path
        Program of the agent class that `agent_class` names.
    agent_class : str
        A class of agents for this site only.
    """

    def __init__(self, folder: Path, host: str, plugin: Path, agent_class: str) -> None:
        self.folder = folder
        self.host = host
        self.port = free_port()
        self.paths = HostPaths(
            host, folder / "run" / host, folder / "state" / host, folder / "log" / host
        )
        self.daemon = DaemonClient(host, self.paths.control_socket)
        self.entries: dict[str, dict[str, Any]] = {}
        self._commands: list[subprocess.Popen[bytes]] = []
        plugins = folder / "plugins"
        plugins.mkdir()
        shutil.copy(plugin, plugins)
        (plugins / f"ocs_plugin_{host}.py").write_text(
            f"agents = [({agent_class!r}, {plugin.name!r})]\n"
        )

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
        unfinished.write_text(yaml.safe_dump({"hub": hub, "hosts": {self.host: host}}))
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
        return self.command("start", "-d", "--site-file", str(self.file), "--host", self.host)

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

    def close(self) -> list[str]:
        """End everything, gently and then by force; return what did not end by itself."""
        for each in self.processes():
            each.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.command("stop", "--host", self.host).wait(STOP_LIMIT_S)
        left = []
        for each in psutil.wait_procs(list(self.processes()), timeout=5)[1]:
            left.append(" ".join(each.cmdline()) or each.name())
            each.kill()
        return left


def instance(agent_class: str, name: str, arguments: Iterable[Any]) -> dict[str, Any]:
    """Return the site file's entry of an instance."""
    return {"agent-class": agent_class, "instance-id": name, "arguments": list(arguments)}


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
