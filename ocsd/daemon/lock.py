"""At most one daemon for each host name on a machine."""

import fcntl
import os
from pathlib import Path

from ocsd.errors import DaemonRunningError


class DaemonLock:
    """A lock that the kernel gives back whenever and however the daemon ends.

    Parameters
    ----------
    path : Path
        File to lock; holds the daemon's pid for people and for error messages.
    host : str
        The host's name, for the message.

    Raises
    ------
    DaemonRunningError
        If another daemon holds it.
    """

    def __init__(self, path: Path, host: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise DaemonRunningError(
                f"a daemon for host {host!r} runs already, pid {holder or 'unknown'}; "
                f"see `ocsd status`, or end it with `ocsd stop --host {host}`"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())
