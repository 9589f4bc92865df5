"""The file of a host's history: one JSON object on each line, lines are only appended.

The file is bounded: when it is full it becomes ``journal.jsonl.1`` and replaces the
older one of that name. The command line reads it without the daemon. Most lines of a
full file are old: those that a reader does not need are not parsed.
"""

import contextlib
import json
import math
import os
import re
from collections import deque
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from ocsd.history.summary import HistoryEntry

FILE_LIMIT_BYTES: Final = 8 * 2**20
"""Size at which a new file begins: about 40,000 entries; the older file holds as many."""

WAITING_LIMIT: Final = 10_000
"""Entries kept in memory while the disk is full; older ones are dropped and counted."""

PARSED_AT_ONCE: Final = 1000
"""Lines to parse at once in search of a time."""

_STATE: Final = b'"after": "'
"""Stands in the line of every entry with a state; texts of people have no bare quotes in JSON."""

_FIELDS: Final = frozenset(HistoryEntry._fields)


class HistoryFile:
    """Writes the history; a disk that refuses an entry never stops supervision.

    A new file begins at a size of `limit_bytes`. While the disk is full, the latest
    `waiting_limit` entries are kept in memory.

    Attributes
    ----------
    trouble : str
        Why entries wait in memory; empty if none do.
    """

    def __init__(
        self, path: Path, limit_bytes: int = FILE_LIMIT_BYTES, waiting_limit: int = WAITING_LIMIT
    ) -> None:
        self.trouble = ""
        self._path = path
        self._limit_bytes = limit_bytes
        self._waiting_limit = waiting_limit
        self._unwritten: deque[HistoryEntry] = deque()
        self._dropped = 0
        self._file: int | None = None

    def write(self, entry: HistoryEntry) -> None:
        """Append an entry to the file, or keep it until that is possible."""
        if len(self._unwritten) == self._waiting_limit:
            self._unwritten.popleft()
            self._dropped += 1
        self._unwritten.append(entry)
        self.flush()

    def flush(self) -> None:
        """Write the entries that wait in memory."""
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
            entries = "1 entry waits"
            if waiting > 1:
                entries = f"{waiting} entries wait"
            self.trouble = f"{entries} for {self._path}: {error.strerror}"
        else:
            self.trouble = ""

    def close(self) -> None:
        """Write the entries that wait in memory and close the file."""
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
            # The disk is full; half a line would spoil the next one.
            os.ftruncate(file, before)
            raise OSError(0, "no space left on device")

    def _opened(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o640)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                # The power failed while a line was written.
                os.write(self._file, b"\n")
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


def read_history(path: Path, names: Collection[str] | None = None) -> list[HistoryEntry]:
    """Return the entries of a history, or only those of some names, the oldest first.

    The file need not exist. Torn lines are skipped.

    Raises
    ------
    OSError
        If it may not be read.
    """
    lines = _lines(path)
    if names is None:
        return _parsed(lines)
    quoted = b"|".join(re.escape(json.dumps(name).encode()) for name in names)
    chosen = list(filter(re.compile(quoted).search, lines))
    return [entry for entry in _parsed(chosen) if entry.name in names]


def read_since(path: Path, from_at: float) -> list[HistoryEntry]:
    """Return the entries since a Unix time [s], and of each name the last state before it.

    There may be some more. The oldest is the first. If the clock was set back, lines above an
    entry are taken to be older than that.

    Raises
    ------
    OSError
        If it may not be read.
    """
    lines = _lines(path)
    begin, entries = len(lines), list[HistoryEntry]()
    # Only states: other entries may have been written long after their time.
    while begin and next((each.at for each in entries if each.after), math.inf) >= from_at:
        end, begin = begin, max(0, begin - PARSED_AT_ONCE)
        entries = _parsed(lines[begin:end]) + entries
    last = {_name_in(line): number for number, line in enumerate(lines[:begin]) if _STATE in line}
    return _parsed([lines[number] for number in sorted(last.values())]) + entries


def _lines(path: Path) -> list[bytes]:
    lines: list[bytes] = []
    for part in (_older(path), path):
        with contextlib.suppress(FileNotFoundError):
            lines += filter(None, part.read_bytes().split(b"\n"))
    return lines


def _name_in(line: bytes) -> bytes:
    """Return the name in a line, as JSON has it."""
    return line.partition(b'"name": "')[2].partition(b'"')[0]


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _line(entry: HistoryEntry) -> bytes:
    filled = {key: value for key, value in entry._asdict().items() if value not in (None, "")}
    return json.dumps(filled).encode() + b"\n"


def _parsed(lines: Sequence[bytes]) -> list[HistoryEntry]:
    """Return the entries of lines; all at once, which takes a third of the time."""
    try:
        rows = json.loads(b"[%s]" % b",".join(lines))
    except ValueError:  # one is torn
        rows = map(_row, lines)
    return [entry for row in rows if (entry := _entry(row))]


def _row(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _entry(row: Any) -> HistoryEntry | None:
    try:
        if row.keys() <= _FIELDS:
            return HistoryEntry(**row)
        return HistoryEntry(**{key: row[key] for key in row.keys() & _FIELDS})
    except (TypeError, AttributeError):
        return None
