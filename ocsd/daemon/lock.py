"""At most one daemon for each host name on a machine."""

import contextlib
import os
from pathlib import Path

from ocsd.errors import DaemonRunningError
from ocsd.system import locks
from ocsd.system.proc import why_silent

HANDED_OVER = "OCSD_LOCK_DESCRIPTOR"
"""Variable in which a daemon that executes its successor names the descriptor of its lock."""

STOPPING_MARK = "stopping"
"""Written after the pid in the lock file while the daemon shuts down."""


class DaemonLock:
    """A lock that the kernel gives back whenever and however the daemon ends.

    If it is held by one that was killed a moment ago, that is waited for.

    Parameters
    ----------
    path : Path
        File to lock; holds the daemon's pid for people and for error messages.
    host : str
        The host's name, for the message.
    handed_over : int, optional
        The descriptor that the predecessor has left to this process; used if it is of this
        file.

    Raises
    ------
    DaemonRunningError
        If another daemon holds it.
    """

    def __init__(self, path: Path, host: str, handed_over: int | None = None) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if handed_over is not None:
            if os.path.samestat(os.fstat(handed_over), os.fstat(self._descriptor)):
                self._descriptor, handed_over = handed_over, self._descriptor
            os.close(handed_over)
        holder = locks.take(self._descriptor)
        if holder is not None:
            os.close(self._descriptor)
            raise DaemonRunningError(_refusal(host, *holder))
        self._write("")

    def stopping(self) -> None:
        """Write for the next daemon that this one shuts down."""
        self._write(f" {STOPPING_MARK}")

    def hand_over(self) -> dict[str, str]:
        """Keep the lock over an execve; return the variables that the successor needs."""
        os.set_inheritable(self._descriptor, True)
        return {HANDED_OVER: str(self._descriptor)}

    def take_back(self) -> None:
        """Undo `hand_over`: the execve has failed."""
        os.set_inheritable(self._descriptor, False)

    def _write(self, more: str) -> None:
        # Only the lock matters; on a full disk the words in it may be missing.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}{more}\n".encode(), 0)


def handed_over() -> int | None:
    """Return the descriptor that the predecessor has left to this process.

    No child may inherit it, so call this first of all.
    """
    given = os.environ.pop(HANDED_OVER, "")
    with contextlib.suppress(OSError, ValueError):
        os.set_inheritable(int(given), False)
        return int(given)
    return None


def _refusal(host: str, pid: str = "unknown", doing: str = "") -> str:
    daemon = f"the daemon of host {host!r} (pid {pid})"
    if pid.isdigit() and (frozen := why_silent(int(pid))):
        return f"{daemon} {frozen}"
    if doing == STOPPING_MARK:
        return f"{daemon} is stopping everything; start again when it has ended"
    return (
        f"a daemon for host {host!r} runs already, pid {pid}; see: ocsd status --host {host}; "
        "an edited site file is taken into use by `ocsd reload`, another ocsd by `ocsd upgrade`"
    )
