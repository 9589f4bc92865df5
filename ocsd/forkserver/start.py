"""Finds a running fork server, or starts one, before anything heavy is imported."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from ocsd.errors import ForkServerError
from ocsd.forkserver.protocol import Hello, LineBuffer
from ocsd.system.peer import peer_of
from ocsd.system.proc import why_silent
from ocsd.system.whereabouts import is_bound

HELLO_LIMIT_S = 5.0

# These belong to the daemon's own supervisor and must not reach its children.
_DAEMONS_OWN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")

REMADE_LIMIT_S = 5.0
"""A fork server whose socket was removed has made another one within this time."""


def running(path: Path, remade_limit_s: float = REMADE_LIMIT_S) -> frozenset[str] | None:
    """Return the instances that the fork server at `path` runs; None if there is none.

    Raises
    ------
    ForkServerError
        If there is one that does not answer.
    """
    _await_socket(path, remade_limit_s)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(HELLO_LIMIT_S)
        try:
            connection.connect(str(path))
            return _instances(connection)
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            return None  # there is none, or it has just ended
        except OSError as error:
            pid = peer_of(connection).pid
            why = why_silent(pid) or f"has not answered ({error})"
            raise ForkServerError(
                f"the fork server at {path} (pid {pid}) does not answer, and its agents may be "
                f"alive, so no other one is started; it {why}"
            ) from error


def _await_socket(path: Path, limit_s: float) -> None:
    """Wait until a fork server whose socket was removed has made another one."""
    deadline_s = time.monotonic() + limit_s
    while not path.exists() and is_bound(path):
        if time.monotonic() > deadline_s:
            raise ForkServerError(
                f"a fork server listens at {path}, but that socket was removed; its "
                "agents may be alive, so no other one is started: it makes the socket again "
                "within seconds, unless it is stopped: ps -eo pid,stat,cmd | grep "
                "ocsd.forkserver shows state T then, and kill -CONT lets it go on"
            )
        time.sleep(0.02)


def _instances(connection: socket.socket) -> frozenset[str] | None:
    """Return the instances in the `Hello` of a fork server; None if it hangs up before."""
    received = LineBuffer()
    while data := connection.recv(1 << 16):
        for message in received.feed(data):
            if isinstance(message, Hello):
                processes = (*message.running, *message.orphans)
                return frozenset(process.instance_id for process in processes)
    return None


class PreparedServer:
    """A fork server that loads its libraries, and then waits for the socket to listen on.

    It is started in a session of its own, because it will outlive this process.

    Attributes
    ----------
    discarded : bool
        Whether it was not needed.
    """

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in _DAEMONS_OWN}
        self._process = subprocess.Popen(
            # -P: a module in the working directory must not be taken for a library.
            [sys.executable, "-P", "-m", "ocsd.forkserver"],
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._log_hint = ""
        self._serves = False
        self.discarded = False

    def listen(self, path: Path, log_path: Path, agents: int = 0) -> None:
        """Let the fork server serve at `path`, replacing any file there, and log to `log_path`.

        It will be asked for about that many `agents`.
        """
        path.unlink(missing_ok=True)
        self._serves = True
        self._log_hint = f"; see {log_path} or what it printed above"
        pipe = self._process.stdin
        # If it has died already, `failure` reports it.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.write(os.fsencode(f"{path}\n{log_path}\n{agents}\n"))
                pipe.close()

    def discard(self) -> None:
        """End the fork server if it does not serve, because it is not needed."""
        if not self._serves:
            self.discarded = True
            self._process.kill()
            self._process.wait()

    def exit_code(self, pid: int) -> int | None:
        """Return how a fork server ended that this process, maybe before an upgrade, has started.

        Returns
        -------
        int or None
            Its exit code, or the negative number of a signal; None if unknown (yet).
        """
        if pid == self._process.pid:
            return self._process.poll()
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
        return None

    def failure(self) -> str:
        """Return why it ended, if it did before its first greeting; else nothing."""
        code = self._process.poll()
        if code is None:
            return ""
        how = f"exit code {code}"
        if code < 0:
            how = f"signal {-code}"
        return f"the fork server ended with {how} while it started{self._log_hint}"
