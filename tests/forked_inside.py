"""Moves a forked command into the namespaces of a host (`tests/system/namespaces.py`)."""

import contextlib
import ctypes
import os
import signal
from typing import NoReturn

_LIBC = ctypes.CDLL(None, use_errno=True)
_PDEATHSIG = 1  # linux/prctl.h
# Last that of the mounts, where /proc is another one; os.setns is there from Python 3.12 on.
_NAMES = ("pid", "net", "ipc", "uts", "mnt")


def enter(pid: int) -> None:
    """Return in a new process in the namespaces of process `pid`; this one ends as that one does.

    As with nsenter and setpriv, the new process is killed if this one is.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    places = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in _NAMES]
    for place in places:
        if _LIBC.setns(place, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(place)
    # A process changes the namespace of its children, not its own.
    child = os.fork()
    if child:
        _end_as(child)
    _LIBC.prctl(_PDEATHSIG, signal.SIGKILL)


def _end_as(child: int) -> NoReturn:
    with contextlib.suppress(OSError):
        # What the command has of streams and files ends with the command alone.
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
