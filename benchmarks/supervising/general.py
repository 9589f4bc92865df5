"""Supervisors for any program: supervisord and circus, each with one command per program."""

import signal
import subprocess
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks.ocs_venv import ROOT, install

VENV = ROOT / ".venv-peers"
REQUIREMENTS = ("supervisor>=4.3,<5", "circus>=0.18")
STOP_LIMIT_S = 60.0

_SUPERVISORD = """\
[unix_http_server]
file = {folder}/sock
[supervisord]
pidfile = {folder}/pid
logfile = {folder}/log
nodaemon = true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_CIRCUS = """\
[circus]
endpoint = ipc://{folder}/endpoint
pubsub_endpoint = ipc://{folder}/pubsub
stats_endpoint = ipc://{folder}/stats
"""


def programs() -> Path:
    """Return the folder of both programs, installed if need be."""
    found = VENV / "bin"
    if not (found / "circusd").exists():
        venv.create(VENV, with_pip=True)
        install(found / "python", *REQUIREMENTS)
    return found


class GeneralSide:
    """One of them with some programs.

    Parameters
    ----------
    program : str
        ``supervisord`` or ``circusd``.
    commands : mapping of str to sequence of str
        The command of each program.
    folder : Path
        Gets configuration, sockets and logs.
    """

    def __init__(self, program: str, commands: Mapping[str, Sequence[str]], folder: Path) -> None:
        self.name = program
        self._folder = folder
        self._words = {name: " ".join(words) for name, words in commands.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Write the configuration, with everything at its default but the restart after a kill."""
        self._folder.mkdir()
        file = self._folder / "configuration"
        if self.name == "supervisord":
            text = _SUPERVISORD.format(folder=self._folder)
            for name, words in self._words.items():
                text += f"[program:{name}]\ncommand = {words}\nautorestart = true\n"
            words = ["-c", str(file)]
        else:
            text = _CIRCUS.format(folder=self._folder)
            for name, words in self._words.items():
                text += f"[watcher:{name}]\ncmd = {words}\ncopy_env = True\n"
            words = [str(file)]
        file.write_text(text)
        self._command = [str(programs() / self.name), *words]

    def launch(self) -> None:
        """Start it."""
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                start_new_session=True,
            )

    def launched(self) -> None:
        """Return: nothing reports back."""

    def supervisors(self, _agents: Mapping[str, int]) -> dict[str, int]:
        """Return its pid."""
        return {self.name: self._running().pid}

    def stop_all(self) -> None:
        """Ask for the end of everything, as systemd would."""
        self._running().send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Wait for its end, or kill it."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        deadline_s = time.monotonic() + STOP_LIMIT_S
        while process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.05)
        if process.poll() is None:
            left = psutil.Process(process.pid).children()
            process.kill()
            process.wait()
            for each in left:
                each.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process
