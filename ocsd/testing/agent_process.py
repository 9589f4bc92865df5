"""An agent of a test, in a process of its own."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from ocsd import compat
from ocsd.system import notify
from ocsd.testing.patience import wait_until

# Of the shell that runs the tests; they would speak of another agent.
_NOT_INHERITED = {"INSTANCE_ID", "SITE_HOST", "CROSSBAR_TIMEOUT", "NOTIFY_SOCKET"}


class RunningProgram:
    """One run of an agent's program.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    environment : mapping of str to str, optional
        Variables in addition to those of this process.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.command = [str(word) for word in command]
        self._folder = Path(tempfile.mkdtemp(prefix="ocsd-agent-"))
        self._ready = threading.Event()
        self._beats: list[float] = []
        self._ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ears.bind(str(self._folder / "notify"))
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()
        with (self._folder / "output").open("wb") as out:
            self._process = subprocess.Popen(
                self.command,
                env=self._environment(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
        path = [compat.FOLDER, os.environ.get("PYTHONPATH", "")]
        ours = {
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "PYTHONUNBUFFERED": "1",
            "NOTIFY_SOCKET": str(self._folder / "notify"),
            "STATE_DIRECTORY": str(self._folder / "state"),
        }
        return {**inherited, **ours, **more}

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the number of the signal that ended it."""
        return self._process.poll()

    def output(self) -> str:
        """Return all that it has printed."""
        return (self._folder / "output").read_text(errors="replace")

    def wait_until_ready(self, limit_s: float) -> bool:
        """Wait until the agent is joined to its site, or has ended; return whether it is joined."""
        wait_until(lambda: self._ready.is_set() or self.exit_code is not None, limit_s)
        return self._ready.is_set()

    def wait(self, limit_s: float) -> int | None:
        """Wait for the end of the process; return its exit code, None if it does not end."""
        wait_until(lambda: self.exit_code is not None, limit_s)
        return self.exit_code

    def beats(self) -> int:
        """Return the number of heartbeats of its reactor, one a second."""
        return len(self._beats)

    def silence_s(self, since_s: float) -> float:
        """Return the longest time for which its reactor showed no life.

        Parameters
        ----------
        since_s : float
            From when on, on the monotonic clock [s].
        """
        seen = [since_s, *(beat for beat in list(self._beats) if beat > since_s), time.monotonic()]
        return max(later - earlier for earlier, later in itertools.pairwise(seen))

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill it, as the kernel does when memory is short."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it in the middle of whatever it does."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill it and what it started, and forget its output."""
        with contextlib.suppress(ProcessLookupError):  # all of it has ended
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        # Ends the thread, also on systems where closing does not.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self._folder / "notify"))
        self._hearing.join()
        self._ears.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _signal(self, number: int) -> None:
        if self.exit_code is None:
            self._process.send_signal(number)

    def _hear(self) -> None:
        while datagram := self._ears.recv(4096):
            said = notify.decode(datagram)
            if "WATCHDOG" in said:
                self._beats.append(time.monotonic())
            if "READY" in said:
                self._ready.set()
            elif "WATCHDOG" in said:  # it lives and has lost its router
                self._ready.clear()


def python(*words: str) -> list[str]:
    """Return a command for the Python that runs the tests."""
    return [sys.executable, *words]
