"""Finding a running fork server, or starting one; before anything heavy is imported."""

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


def start(path: Path, log_path: Path) -> int:
    """Start a fork server that will outlive this process.

    Parameters
    ----------
    path : Path
        Socket on which it shall listen; what lies there is replaced.
    log_path : Path
        File for what it prints.

    Returns
    -------
    int
        Its process id.
    """
    path.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in _DAEMONS_OWN}
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ocsd.forkserver", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    return process.pid
