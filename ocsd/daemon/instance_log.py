"""Reading the end of an instance's log."""

import os
import re
from pathlib import Path

LOOKED_AT_BYTES = 4096
DAILY_LIFE = re.compile(r"\S+Z \[(info|debug)\]")


def last_line(path: Path) -> str:
    """Return the last line of a log that may tell why its writer ended; else nothing.

    Lines in which an agent tells of its daily life are no reason to end.
    """
    lines = end_of(path, LOOKED_AT_BYTES).splitlines()
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "" if DAILY_LIFE.match(last) else last.removeprefix("ocsd: ")


def end_of(path: Path, most_bytes: int) -> str:
    """Return the end of a log; nothing if it cannot be read."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - most_bytes))
            return log.read(most_bytes).decode("utf-8", "replace")
    except OSError:
        return ""
