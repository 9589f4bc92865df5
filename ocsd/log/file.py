"""The log file of an agent: appended to by the agent itself, renamed when it is full.

No pipe ties an agent to the daemon, so no line is lost when the daemon ends. When this
process or logrotate renames the file, the agent goes on in a new one of the same name.
"""

import os
from pathlib import Path
from typing import Final

from ocsd.reactor.lookout import LOOKOUT

LOG_FILE_LIMIT_BYTES: Final = 20 * 2**20
OLDER_FILES: Final = 5
FLOOD_BYTES: Final = LOG_FILE_LIMIT_BYTES // 20
"""A file that has grown by more between two checks is checked again soon."""

_STREAMS: Final = (1, 2)
"""Descriptors of standard output and standard error."""


class LogFile:
    """Keeps standard output and standard error in a file of limited size.

    Parameters
    ----------
    path : Path
        The file, to which the descriptors `streams` go already.
    limit_bytes : int
        Size of a full file [bytes]; it may grow beyond that between two checks.
    older_files : int
        Number of full files to keep, as ``{path}.1`` (the latest) and so on.
    """

    def __init__(
        self,
        path: Path,
        limit_bytes: int = LOG_FILE_LIMIT_BYTES,
        older_files: int = OLDER_FILES,
        streams: tuple[int, ...] = _STREAMS,
    ) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._older_files = older_files
        self._streams = streams
        self._seen_bytes = 0

    def rotate_if_due(self) -> None:
        """Begin a new file if this one is full or has lost its name; call it every few seconds.

        If the disk or the folder does not allow it, the present file is used until the
        next call.
        """
        try:
            mine = os.fstat(self._streams[0])
            if mine.st_size - self._seen_bytes > FLOOD_BYTES:
                LOOKOUT.hurry()
            self._seen_bytes = mine.st_size
            if self._has_lost_its_name(mine):
                self._reopen()
            elif mine.st_size >= self._limit_bytes:
                shift(self._path, self._older_files)
                self._path.replace(numbered(self._path, 1))
                self._reopen()
        except OSError:
            return

    def _has_lost_its_name(self, mine: os.stat_result) -> bool:
        try:
            return not os.path.samestat(mine, self._path.stat())
        except FileNotFoundError:
            return True

    def _reopen(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self._path, flags, 0o644)
        for stream in self._streams:
            os.dup2(file, stream)
        os.close(file)


def shift(path: Path, older_files: int) -> None:
    """Rename the older files of a log, to make room for a new ``{path}.1``."""
    for number in range(older_files - 1, 0, -1):
        if numbered(path, number).exists():
            numbered(path, number).replace(numbered(path, number + 1))


def numbered(path: Path, number: int) -> Path:
    """Return the name of an older file of a log, 1 for the latest."""
    return path.with_name(f"{path.name}.{number}")
