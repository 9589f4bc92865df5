"""Reading the end of an instance's log."""

import os
from pathlib import Path

LOOKED_AT_BYTES = 4096


def last_line(path: Path) -> str:
    """Return the last line of a log that says anything; empty if there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOOKED_AT_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
