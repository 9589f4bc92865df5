"""Finding a running fork server, or starting one; before anything heavy is imported."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from ocsd.forkserver.protocol import Hello, LineBuffer

ANSWER_LIMIT_S = 5.0

# These speak of the daemon's own supervisor and must not reach its children.
_DAEMONS_OWN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")


def is_listening(path: Path) -> bool:
    """Whether a fork server answers on the socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def running(path: Path) -> frozenset[str] | None:
    """Return the names of what the fork server at `path` runs; None if there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_LIMIT_S)
        try:
            connection.connect(str(path))
            received = LineBuffer()
            while data := connection.recv(1 << 16):
                for message in received.feed(data):
                    if isinstance(message, Hello):
                        return frozenset(spawned.name for spawned in message.running)
        except OSError:
            pass
    return None


class PreparedServer:
    """A fork server that loads its libraries until it is told where to listen.

    It is started in a session of its own, for it will outlive this process.
    """

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in _DAEMONS_OWN}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ocsd.forkserver"],
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

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
        self._tell(f"{path}\n{log_path}\n")

    def discard(self) -> None:
        """Let it end: it is not needed."""
        self._tell("")

    def _tell(self, text: str) -> None:
        pipe = self._process.stdin
        # If it has died already, whoever connects to it will notice.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None and not pipe.closed:
                pipe.write(os.fsencode(text))
                pipe.close()
