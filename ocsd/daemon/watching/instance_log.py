"""Reads the end of an instance's log."""

import os
import re
from pathlib import Path

from ocsd.forkserver.protocol import Spawned
from ocsd.log.stream import NOTE
from ocsd.system.files import tail
from ocsd.text.reason import shortened

LOG_TAIL_BYTES = 4096
# Not Unicode's other line ends (str.splitlines), which may be part of a message.
LINE_END = re.compile("[\r\n]")
DAILY_LIFE = re.compile(r"\S+Z \[(info|debug)\]")
# All that a full disk has taken of a line.
ONLY_A_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.Z+-]*")


def last_line(path: Path, since: Spawned | None = None) -> str:
    """Return the last line of a log if it may explain why its writer ended; else nothing.

    Lines of level info or debug explain nothing, nor do ocsd's own notes, nor those from before
    the start of `since`, the writer.
    """
    lines = map(str.strip, reversed(LINE_END.split(end_of(path, LOG_TAIL_BYTES, since))))
    last = next((line for line in lines if _says_something(line)), "")
    if DAILY_LIFE.match(last):
        return ""
    return shortened(last.removeprefix("ocsd: "))


def _says_something(line: str) -> bool:
    return bool(line) and not line.startswith(NOTE) and not ONLY_A_TIME.fullmatch(line)


def end_of(path: Path, most_bytes: int, since: Spawned | None = None) -> str:
    """Return the end of a log, or of its part since the start of `since`; else nothing."""
    try:
        with path.open("rb") as log:
            older_bytes = 0
            # A log that was rotated since holds nothing older.
            if since is not None and os.fstat(log.fileno()).st_ino == since.log_inode:
                older_bytes = since.log_bytes
            return tail(log, most_bytes, older_bytes).decode("utf-8", "replace")
    except OSError:
        return ""
