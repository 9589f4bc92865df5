"""Runs `python -c SCRIPT` in a process forked from one that has loaded what agents load.

It is for tests that need many programs beside the site: a start of an agent by hand is mostly
the loading of its libraries. Each has its own arguments, environment, folder, standard streams
and exit code. Tests about the start itself run an interpreter (`subprocess`).
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests import forked_commands


class ForkedScript:
    """A running script: what tests use of `subprocess.Popen`."""

    def __init__(self, args: list[str], pid: int, end: int) -> None:
        self.args = args
        self.pid = pid
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        """Return the exit code; None as long as it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it runs for longer than `timeout` [s].
        """
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _look(self, limit_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], limit_s)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(os.read(self._end, 64)))
            os.close(self._end)
        return self.returncode


def start(
    script: str,
    words: tuple[str, ...],
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[IO[Any], IO[Any], IO[Any]],
) -> "ForkedScript | subprocess.Popen[bytes]":
    """Start a script; one whose environment has settings of Python gets an interpreter.

    Parameters
    ----------
    streams : tuple of files
        Its standard input, output and errors.
    """
    args = [sys.executable, "-c", script, *words]
    server = forked_commands.server_of_daemons(environment)
    if server is None:
        given, out, errors = streams
        return subprocess.Popen(
            args, cwd=folder, env=environment, stdin=given, stdout=out, stderr=errors
        )
    places = [each.fileno() for each in streams]
    return ForkedScript(args, *server.start(args[1:], environment, folder, places))


def run(script: str, given: str, limit_s: float) -> "subprocess.CompletedProcess[str]":
    """Run a script to its end, with that standard input; return what it said, as text.

    Raises
    ------
    subprocess.TimeoutExpired
        If it runs for longer than `limit_s` [s]; it is killed.
    """
    with TemporaryFile("w+") as words, TemporaryFile("w+") as out, TemporaryFile("w+") as errors:
        words.write(given)
        words.seek(0)
        process = start(script, (), os.environ, Path.cwd(), (words, out, errors))
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        errors.seek(0)
        said = out.read(), errors.read()
    return subprocess.CompletedProcess([sys.executable, "-c", script], code, *said)
