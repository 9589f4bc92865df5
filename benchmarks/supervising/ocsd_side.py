"""ocsd, driven by its command line as an operator drives it."""

import compileall
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import EndWatch, parent_of
from benchmarks.site import HOST

START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
LEFTOVER_LIMIT_S = 2.0

WAITS = "ocsd waits to be the next agent"
"""Title of the process that waits (`ocsd.forkserver.warmth.spares`)."""


class OcsdSide:
    """The daemon of one host, in folders of its own.

    Parameters
    ----------
    site_file : Path
        The site.
    folder : Path
        Gets sockets, state and logs; must have a short path.
    """

    def __init__(self, site_file: Path, folder: Path) -> None:
        self._site_file = site_file
        self._folder = folder
        self._start: subprocess.Popen[bytes] | None = None
        self._stop: subprocess.Popen[bytes] | None = None
        self._restarts: list[subprocess.Popen[bytes]] = []
        self._pids: set[int] = set()

    @property
    def name(self) -> str:
        """Ocsd and its version."""
        try:
            return f"ocsd {version('ocsd')}"
        except PackageNotFoundError:
            return "ocsd"

    def prepare(self) -> None:
        """Compile what pip compiles when it installs, should this be a source tree.

        OCS comes with its bytecode; an editable ocsd would be compiled anew by
        every process where PYTHONDONTWRITEBYTECODE is set.
        """
        self._folder.mkdir(exist_ok=True)
        for name in ("ocsd", "ocsd_agents"):
            spec = importlib.util.find_spec(name)
            assert spec is not None
            for place in spec.submodule_search_locations or ():
                compileall.compile_dir(place, quiet=1)

    def launch(self) -> None:
        """Issue ``ocsd start -d``."""
        self._start = self._issue("start", "-d", "--host", HOST, "--site-file", self._site_file)

    def launched(self) -> None:
        """Wait for the end of ``ocsd start -d``: everything is up.

        Raises
        ------
        RuntimeError
            If it says that something is not.
        """
        if self._start is None:
            return
        code = self._start.wait(START_LIMIT_S)
        self._remember()
        if code != 0:
            raise RuntimeError(f"ocsd start ended with {code}; see {self._folder / 'commands.log'}")

    def supervisors(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return the pids of the daemon and of the fork server, every agent's parent."""
        return {
            "daemon": int(self._status()["pid"]),
            "fork server": parent_of(next(iter(agents.values()))),
        }

    def services(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return the processes that ocsd brings along; the registry is in the daemon."""
        status = self._status()
        found = {
            instance["instance_id"]: int(instance["pid"])
            for instance in status["instances"]
            if instance["instance_id"] not in agents
            and instance["pid"] not in (None, status["pid"])
        }
        if agents:
            fork_server = psutil.Process(parent_of(next(iter(agents.values()))))
            waiting = [each.pid for each in fork_server.children() if WAITS in each.cmdline()[0]]
            found |= dict(zip(("the next agent",), waiting, strict=False))
        return found

    def restart(self, instance_id: str) -> None:
        """Issue ``ocsd restart``; its answer comes when the agent is up."""
        # Not waited for here: the agent runs before the command has ended.
        self._restarts.append(self._issue("restart", instance_id))

    def status_command(self) -> list[str]:
        """Return ``ocsd status``."""
        return self._command("status")

    def environment(self) -> dict[str, str]:
        """Return ours with ocsd's folders in it."""
        folders = {
            f"{kind.upper()}_DIRECTORY": str(self._folder / kind)
            for kind in ("runtime", "state", "logs")
        }
        return os.environ | folders

    def stop_all(self) -> None:
        """Issue ``ocsd stop``, which ends the daemon too."""
        for restart in self._restarts:
            restart.wait(STOP_LIMIT_S)
        self._remember()
        self._stop = self._issue("stop")

    def close(self) -> None:
        """Wait for ``ocsd stop``, or issue it; then kill what it has left."""
        if self._start is None:
            return
        if self._stop is None:
            self.stop_all()
        assert self._stop is not None
        try:
            self._stop.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._stop.kill()
        self._start = self._stop = None
        self._kill_leftovers()

    def _kill_leftovers(self) -> None:
        """Kill what outlives ``ocsd stop``, and say so: nothing should."""
        watch = EndWatch(filter(_lives, self._pids))
        try:
            watch.wait(LEFTOVER_LIMIT_S)
        except TimeoutError as error:
            print(f"after ocsd stop: {error}; killed", file=sys.stderr)
            for pid in filter(_lives, self._pids):
                os.kill(pid, signal.SIGKILL)
        finally:
            watch.close()

    def _remember(self) -> None:
        """Note every pid, so that a failed run leaves nothing behind."""
        try:
            status = self._status()
        except (RuntimeError, ValueError):
            return
        pids = {status["pid"], *(instance["pid"] for instance in status["instances"])}
        self._pids = {int(pid) for pid in pids if pid is not None}
        agents = self._pids - {int(status["pid"])}
        self._pids |= {parent_of(pid) for pid in agents if _lives(pid)} - {1}

    def _status(self) -> dict[str, Any]:
        done = subprocess.run(
            self._command("status", "--json"),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=30,
        )
        if not done.stdout:
            raise RuntimeError(f"ocsd status --json said nothing: {done.stderr.strip()}")
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def _command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "ocsd", *map(str, arguments)]

    def _issue(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        with (self._folder / "commands.log").open("ab") as log:
            return subprocess.Popen(
                self._command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
            )


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
