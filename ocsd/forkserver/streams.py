"""Standard input and output of what the fork server runs, and of itself."""

import os

from ocsd.log import stream as log_stream


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
