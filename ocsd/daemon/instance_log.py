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
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOOKED_AT_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "" if DAILY_LIFE.match(last) else last.removeprefix("ocsd: ")
