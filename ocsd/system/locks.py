"""Locks of files, which a process that was killed may hold for a moment."""

import fcntl
import os
import time
from typing import Final

from ocsd.system import proc

DYING_S: Final = 1.0
"""Time in which a killed process has let its locks go: when its last thread has ended [s]."""

_NEXT_TRY_S: Final = 0.01
"""Time between two tries to get the lock of a dying process [s]."""


def take(descriptor: int) -> list[str] | None:
    """Lock a file, in which whoever holds it has written its pid.

    A holder that is dying is waited for, a living one is not.

    Parameters
    ----------
    descriptor : int
        The file, open for reading and writing.

    Returns
    -------
    list of str, or None
        The words in the file if another process holds it: its pid, if there was room on the disk,
        and what else it has written. None if the file is locked now.
    """
    until_s = time.monotonic() + DYING_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            words = os.pread(descriptor, 32, 0).decode("ascii", "replace").split()
            if time.monotonic() >= until_s or not _is_dying(words):
                return words
            time.sleep(_NEXT_TRY_S)
        else:
            return None


def _is_dying(words: list[str]) -> bool:
    return bool(words) and words[0].isdecimal() and proc.is_dying(int(words[0]))
