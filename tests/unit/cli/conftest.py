"""A runtime folder of its own for each test, stand-in daemons in it, and `ocsd` run for real."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import forked_commands
from tests.unit.cli import stand_in_daemon
from tests.unit.cli.stand_in_daemon import StandIn

REPOSITORY = Path(__file__).resolve().parents[3]


class CommandLine:
    """Runs `python -m ocsd …` in a process, with folders of the test's own."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.runtime = base / "run"
        self.runtime.mkdir()
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OCS")},
            "RUNTIME_DIRECTORY": str(self.runtime),
            "STATE_DIRECTORY": str(base / "state"),
            "LOGS_DIRECTORY": str(base / "log"),
            "PYTHONPATH": f"{REPOSITORY}:{os.environ.get('PYTHONPATH', '')}".rstrip(":"),
            "PYTHONUTF8": "1",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ocsd", *arguments]

    def __call__(self, *arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        environment = {**self.environment, **changed}
        return forked_commands.run(arguments, environment, self.base, 30)

    def begin(self, *arguments: str, **more: Any) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            cwd=self.base,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )


@pytest.fixture
def ocsd() -> Iterator[CommandLine]:
    # pytest's own folders have names too long for the path of a socket.
    base = Path(tempfile.mkdtemp(prefix="ocsd-cli-"))
    yield CommandLine(base)
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def daemon_of(ocsd: CommandLine) -> Iterator[Callable[..., StandIn]]:
    """Start a stand-in daemon for a host, with these instances."""
    servers: list[StandIn] = []

    def begin(host: str, *instances: dict[str, Any]) -> StandIn:
        place = ocsd.runtime / host / "control.sock"
        server = StandIn(place, stand_in_daemon.status(host, *instances))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.silent.clear()
        server.shutdown()
        server.server_close()


@pytest.fixture
def startable(ocsd: CommandLine) -> Iterator[CommandLine]:
    """Make `python -m ocsd.daemon` the stand-in, for this test's processes only.

    A package `ocsd` that stands first on the path takes all but its daemon from
    the real one.
    """
    shadow = ocsd.base / "path" / "ocsd"
    (shadow / "daemon").mkdir(parents=True)
    (shadow / "__init__.py").write_text(
        f"__path__.append({str(REPOSITORY / 'ocsd')!r})\n"
        f"exec(open({str(REPOSITORY / 'ocsd' / '__init__.py')!r}).read())\n"
    )
    (shadow / "daemon" / "__init__.py").write_text("")
    (shadow / "daemon" / "__main__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(REPOSITORY / 'tests/unit/cli')!r})\n"
        "import stand_in_daemon\nstand_in_daemon.main()\n"
    )
    pids = ocsd.base / "pids"
    pids.write_text("")
    ocsd.environment |= {
        "PYTHONPATH": f"{shadow.parent}:{ocsd.environment['PYTHONPATH']}",
        "STAND_IN_PIDS": str(pids),
    }
    yield ocsd
    for pid in pids.read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


@pytest.fixture
def as_stranger(ocsd: CommandLine) -> Iterator[Callable[..., "subprocess.CompletedProcess[str]"]]:
    """Run the command line as a user who may not enter a folder."""
    folders: list[Path] = []

    def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        folders.append(folder)
        command = ocsd.command(*arguments)
        if os.geteuid() == 0:
            # root passes every permission, unless it lays that power down.
            os.chown(folder, 65534, 65534)
            less = "-dac_override,-dac_read_search"
            command = ["setpriv", f"--bounding-set={less}", "--", *command]
        folder.chmod(0o700 if os.geteuid() == 0 else 0o000)
        return subprocess.run(
            command,
            env=ocsd.environment,
            cwd=ocsd.base,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    yield run
    for folder in folders:
        folder.chmod(0o700)
