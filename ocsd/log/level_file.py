"""The file with which the level of a log is changed while its agent runs.

The file ``{log}.level`` beside the log has the wanted level; without the file, the log has
its usual one. This works without a router, while the reactor is blocked, and also for the
agent's next start.
"""

import os
from collections.abc import Callable
from pathlib import Path

from ocsd.log.lines import LEVEL_RANKS

LEVEL_FILE_LIMIT_BYTES = 64
"""Length of the part of the file that is read [bytes]."""


class LevelFile:
    """Applies a level file to a log; `set_level` takes the level, or None for the usual one."""

    def __init__(self, path: Path, set_level: Callable[[str | None], object]) -> None:
        self._path = path
        self._set_level = set_level
        self._seen: tuple[int, int, int] | None = None

    def apply(self) -> None:
        """Set the level if the file has changed; call it every few seconds."""
        try:
            status = os.stat(self._path)
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen == self._seen:
                return
            text = self._text()
        except OSError:
            if self._seen is None:
                return
            seen, text = None, ""
        self._seen = seen
        self._set_level(level_of(text))

    def _text(self) -> str:
        with self._path.open("rb") as file:
            return file.read(LEVEL_FILE_LIMIT_BYTES).decode("utf-8", "replace")


def level_of(text: str) -> str | None:
    """Return the level that a file names; None if it names none."""
    word = text.strip().lower()
    return word if word in LEVEL_RANKS else None
