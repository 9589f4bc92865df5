"""Finding a running fork server, or starting one; before anything heavy is imported."""

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

HELLO_LIMIT_S = 5.0

# These speak of the daemon's own supervisor and must not reach its children.
_DAEMONS_OWN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


REMADE_LIMIT_S = 5.0
"""A fork server whose socket was removed has made another one within this time."""


def running(path: Path) -> frozenset[str] | None:
    """Return the names of what the fork server at `path` knows to run; None if there is none.

    Raises
    ------
    ForkServerError
        If there is one that does not answer.
    """
    deadline_s = time.monotonic() + REMADE_LIMIT_S
    while not path.exists() and _is_bound(path):
        if time.monotonic() > deadline_s:
            raise ForkServerError(
                f"a fork server listens at {path}, but somebody has removed that socket; its "
                "agents may be alive, so no other one is started: find it with "
                "ps -ef | grep ocsd.forkserver, end it with kill -9, and start again"
            )
        time.sleep(0.02)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(HELLO_LIMIT_S)
        try:
            connection.connect(str(path))
            received = LineBuffer()
            while data := connection.recv(1 << 16):
                for message in received.feed(data):
                    if isinstance(message, Hello):
                        return frozenset(
                            each.instance_id for each in (*message.running, *message.orphans)
                        )
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            return None  # there is none, or it has just ended
        except OSError as error:
            pid = peer_of(connection).pid
            why = why_silent(pid, "and start again: agents run on") or f"has not answered ({error})"
            raise ForkServerError(
                f"the fork server at {path} (pid {pid}) does not answer, and its agents may be "
                f"alive, so no other one is started; it {why}"
            ) from error
    return None


def _is_bound(path: Path) -> bool:
    """Whether a process listens at `path`, be it that the file is there or was removed."""
    try:
        sockets = Path("/proc/net/unix").read_bytes()
    except OSError:
        return False
    wanted = os.fsencode(path)
    return any(line.endswith(b" " + wanted) for line in sockets.splitlines())


class PreparedServer:
    """A fork server that loads its libraries until it is told where to listen.

    It is started in a session of its own, for it will outlive this process.

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

    def listen(self, path: Path, log_path: Path) -> None:
        """Let it serve.

        Parameters
        ----------
        path : Path
            Socket on which it shall listen; what lies there is replaced.
        log_path : Path
            File for what it prints from now on.
        """
        path.unlink(missing_ok=True)
        self._serves = True
        self._log_hint = f"; see {log_path} or what it printed above"
        pipe = self._process.stdin
        # If it has died already, `failure` tells.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.write(os.fsencode(f"{path}\n{log_path}\n"))
                pipe.close()

    def discard(self) -> None:
        """End it, unless it was told to serve: it is not needed."""
        if not self._serves:
            self.discarded = True
            self._process.kill()
            self._process.wait()

    def exit_code(self, pid: int) -> int | None:
        """Return how the fork server `pid` ended, if it is a child of this process.

        Parameters
        ----------
        pid : int
            This one, or one that this process had started before it became another program.

        Returns
        -------
        int or None
            Its exit code, or the negative number of a signal; None if that cannot be known (yet).
        """
        if pid == self._process.pid:
            return self._process.poll()
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            return os.waitstatus_to_exitcode(status) if ended else None
        return None

    def failure(self) -> str:
        """Return why it ended, if it did before it greeted anybody; else nothing."""
        code = self._process.poll()
        if code is None:
            return ""
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the fork server ended with {how} while it started{self._log_hint}"
