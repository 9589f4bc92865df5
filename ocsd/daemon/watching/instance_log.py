"""Reading the end of an instance's log."""

import os
import re
from pathlib import Path

from ocsd.forkserver.protocol import Spawned
from ocsd.text.reason import shortened

LOG_TAIL_BYTES = 4096
# Not what else Unicode takes for one (str.splitlines): it may stand in the midst of a message.
LINE_END = re.compile("[\r\n]")
DAILY_LIFE = re.compile(r"\S+Z \[(info|debug)\]")


def last_line(path: Path, since: Spawned | None = None) -> str:
    """Return the last line of a log that may tell why its writer ended; else nothing.

    Lines in which an agent tells of its daily life are no reason to end.

    Parameters
    ----------
    path : Path
        The log.
    since : Spawned, optional
        The writer; what was written before it was started is not its word.
    """
    lines = LINE_END.split(end_of(path, LOG_TAIL_BYTES, since))
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "" if DAILY_LIFE.match(last) else shortened(last.removeprefix("ocsd: "))


def end_of(path: Path, most_bytes: int, since: Spawned | None = None) -> str:
    """Return the end of what was written to a log; nothing if it cannot be read."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            # A log that was begun anew since, or emptied, holds nothing older.
            same = since is not None and os.fstat(log.fileno()).st_ino == since.log_inode
            older = since.log_bytes if since is not None and same else 0
            log.seek(max(older if older <= size else 0, size - most_bytes))
            return log.read(most_bytes).decode("utf-8", "replace")
    except OSError:
        return ""
