"""A time for which one thread waits while another one puts it off, without waking it."""

import ctypes
import os
import time
from functools import lru_cache
from typing import Any, Final

_CLOCK_MONOTONIC: Final = 1
_NS: Final = 1_000_000_000
_COUNT_BYTES: Final = 8
"""Size of what is read from a timer that has expired: how often [bytes]."""


class _Times(ctypes.Structure):
    _fields_ = [
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    ]


_LIBC: Final = ctypes.CDLL(None, use_errno=True)
# Looked up here, because each of them takes a forked agent as much as the start of a thread.
_create: Any = _LIBC.timerfd_create
_set_time: Any = _LIBC.timerfd_settime


@lru_cache(maxsize=4)
def _times(pause_s: float) -> Any:
    """Return a reference to a pause [s] as the kernel takes it: mostly the same, each second."""
    # A time of zero would switch it off.
    return ctypes.byref(_Times(0, 0, *divmod(max(1, int(pause_s * _NS)), _NS)))


class Deadline:
    """A timer of the kernel (timerfd_create(2)), which Python offers from 3.13 on.

    Parameters
    ----------
    pause_s : float
        The time until it expires for the first time [s].
    """

    def __init__(self, pause_s: float) -> None:
        self._descriptor: int = _create(_CLOCK_MONOTONIC, os.O_CLOEXEC)
        self.set(pause_s)

    def set(self, pause_s: float) -> None:
        """Let it expire in `pause_s` [s] from now, whatever was set before; from any thread."""
        _set_time(self._descriptor, 0, _times(pause_s), None)

    def wait(self) -> None:
        """Wait until it expires."""
        try:
            os.read(self._descriptor, _COUNT_BYTES)
        except OSError:
            # No descriptor was left when it was made.
            time.sleep(1.0)
