"""Rotates the logs of programs that cannot: the router, agents of OCS or of other users.

Such a program keeps writing to the file that it was started with, so the file cannot be
renamed. It is copied and emptied instead, while the program is stopped (SIGSTOP) for the
few milliseconds that this takes: no line is lost.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ocsd.log.file import LOG_FILE_LIMIT_BYTES, OLDER_FILES, numbered, shift
from ocsd.system.proc import what_holds

SIGSTOP_LIMIT_S: Final = 0.1


def rotate(
    log: Path, pid: int, limit_bytes: int = LOG_FILE_LIMIT_BYTES, older: int = OLDER_FILES
) -> bool:
    """Move a log that is full aside, and empty it; keep at most `older` full ones.

    Parameters
    ----------
    pid : int
        The process that appends to it, and leads a process group of its own.

    Returns
    -------
    bool
        Whether it was rotated. If the process cannot be stopped or the disk is full, the log
        stays as it is until the next time.
    """
    with contextlib.suppress(OSError):
        # The registry runs in the daemon, which must not stop itself.
        if pid == os.getpid() or log.stat().st_size < limit_bytes:
            return False
        with _stopped(pid):
            shift(log, older)
            shutil.copyfile(log, numbered(log, 1))
            os.truncate(log, 0)
            return True
    return False


@contextlib.contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Stop a process group for a while."""
    os.killpg(pid, signal.SIGSTOP)
    try:
        deadline_s = time.monotonic() + SIGSTOP_LIMIT_S
        while not what_holds(pid):
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"process {pid} does not stop")
            time.sleep(0.001)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)
