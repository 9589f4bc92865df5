"""Standard input and output of what the fork server runs, and of itself."""

import errno
import os

from ocsd.log import stream as log_stream

TRANSIENT_ERRORS = log_stream.NO_ROOM | {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors for which a log cannot be opened now, but maybe a moment later."""


def open_streams(log_path: str) -> None:
    """Let standard input lead nowhere, and standard output and error to a log."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = _opened(log_path)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


def _opened(log_path: str) -> int:
    try:
        return os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno not in log_stream.NO_ROOM:
            raise
        # Better no log than no data. The agent opens it as soon as there is room.
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def state_of_log(path: str) -> tuple[int, int]:
    """Return the inode of a log, and its size [bytes]; zeros after a transient error.

    The child opens the log again, but could not report an error.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    try:
        # This process must not wait, whatever kind of file it is.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        log = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno in TRANSIENT_ERRORS:
            return 0, 0
        raise
    status = os.fstat(log)
    os.close(log)
    return status.st_ino, status.st_size
