"""The journal: what happened on a host, one JSON object a line, in an append-only file.

It is bounded: when the file is full it becomes ``journal.jsonl.1``, in place of
an older one of that name. The command line reads it without the daemon.
"""

import contextlib
import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from ocsd.history.summary import HistoryEntry

FILE_LIMIT_BYTES: Final = 8 * 2**20
"""Some 40,000 entries; with the older file there are between one and two times as many."""

MOST_UNWRITTEN: Final = 10_000
"""So many of the latest entries wait for a full disk; older ones are counted and dropped."""

_FIELDS: Final = {each.name for each in fields(HistoryEntry)}


class HistoryFile:
    """Writes the journal; a disk that refuses never stops supervision.

    Parameters
    ----------
    path : Path
        The file.
    limit_bytes : int
        When a new one is begun.

    Attributes
    ----------
    trouble : str
        Why entries wait in memory; empty if none do.
    """

    def __init__(self, path: Path, limit_bytes: int = FILE_LIMIT_BYTES) -> None:
        self.trouble = ""
        self._path = path
        self._limit_bytes = limit_bytes
        self._unwritten: deque[HistoryEntry] = deque()
        self._dropped = 0
        self._file: int | None = None

    def write(self, entry: HistoryEntry) -> None:
        """Put an entry on disk, or keep it until that is possible."""
        if len(self._unwritten) == MOST_UNWRITTEN:
            self._unwritten.popleft()
            self._dropped += 1
        self._unwritten.append(entry)
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        try:
            if self._dropped:
                reason = f"{self._dropped} entries are missing here: the disk took none"
                at = self._unwritten[0].at
                self._append(_line(HistoryEntry(at, "ocsd", "EntriesLost", reason=reason)))
                self._dropped = 0
            while self._unwritten:
                self._append(_line(self._unwritten[0]))
                self._unwritten.popleft()
        except OSError as error:
            self._close()
            waiting = len(self._unwritten) + self._dropped
            self.trouble = f"{waiting} entries wait for {self._path}: {error.strerror}"
        else:
            self.trouble = ""

    def close(self) -> None:
        """Write what waits and let go of the file."""
        self.flush()
        self._close()

    def _append(self, line: bytes) -> None:
        file = self._opened()
        before = os.fstat(file).st_size
        if before and before + len(line) > self._limit_bytes:
            self._close()
            self._path.replace(_older(self._path))
            file, before = self._opened(), 0
        written = os.write(file, line)
        if written < len(line):
            # The disk is full: half a line would spoil the next one.
            os.ftruncate(file, before)
            raise OSError(0, "no space left on device")

    def _opened(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o640)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                # The power went while a line was written.
                os.write(self._file, b"\n")
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


def read_history(path: Path) -> Iterator[HistoryEntry]:
    """Yield the entries of a journal, the oldest first; torn lines are skipped.

    Parameters
    ----------
    path : Path
        The file; it need not exist.

    Raises
    ------
    OSError
        If it may not be read.
    """
    for each in (_older(path), path):
        try:
            with each.open("rb") as file:
                for line in file:
                    entry = _entry(line)
                    if entry is not None:
                        yield entry
        except FileNotFoundError:
            continue


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _line(entry: HistoryEntry) -> bytes:
    told = {key: value for key, value in asdict(entry).items() if value not in (None, "")}
    return json.dumps(told).encode() + b"\n"


def _entry(line: bytes) -> HistoryEntry | None:
    try:
        told: dict[str, Any] = json.loads(line)
        return HistoryEntry(**{key: value for key, value in told.items() if key in _FIELDS})
    except (ValueError, TypeError, AttributeError):
        return None
