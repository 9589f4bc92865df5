"""Writes the audit journal of a host: lines are only appended, in segments of bounded size.

A segment is called after the number of its first entry, ``audit/00000000.jsonl``. The chain
(`ocsd.audit.chain`) goes on over segments. The lock of the folder belongs to the only writer:
the daemon, or a command while none runs. Entries are not forced to the disk one by one, so a
failure of power may cost the last seconds; the end of a process costs nothing.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ocsd.audit.chain import BEFORE_ALL, Link, chained, link_of
from ocsd.audit.entry import AuditEntry, AuditKind, AuditOutcome
from ocsd.audit.segments import SEGMENTS_DROPPED, name_of, segments_of

AUDIT_SEGMENT_BYTES: Final = 4 * 2**20
"""Size at which a new segment begins: some 12,000 entries."""

MOST_SEGMENTS: Final = 64
"""Number of segments that are kept."""

MOST_UNWRITTEN: Final = 10_000
"""Entries kept in memory while the disk takes none; older ones are dropped and counted."""

_TAIL_BYTES: Final = 2**17
"""The last line of a segment is in this many bytes."""


class AuditJournal:
    """Writes the journal in a folder; a disk that takes nothing stops nobody.

    Attributes
    ----------
    trouble : str
        Why entries wait in memory; empty if none do.
    last : Link
        The place of the last entry in the chain.
    """

    def __init__(
        self,
        folder: Path,
        segment_bytes: int = AUDIT_SEGMENT_BYTES,
        most_segments: int = MOST_SEGMENTS,
        most_unwritten: int = MOST_UNWRITTEN,
    ) -> None:
        self.trouble = ""
        self.last = BEFORE_ALL
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._most_segments = most_segments
        self._most_unwritten = most_unwritten
        self._unwritten: deque[AuditEntry] = deque()
        self._dropped = 0
        self._file: int | None = None
        self._lock: int | None = None

    def write(self, entry: AuditEntry) -> None:
        """Append an entry, or keep it until that is possible."""
        if len(self._unwritten) == self._most_unwritten:
            self._unwritten.popleft()
            self._dropped += 1
        self._unwritten.append(entry)
        self.flush()

    def flush(self) -> None:
        """Write the entries that wait in memory."""
        if not self._unwritten:
            return
        try:
            self._write_all()
        except OSError as error:
            self._close_file()
            waiting = len(self._unwritten) + self._dropped
            entries = "1 entry of the audit waits"
            if waiting > 1:
                entries = f"{waiting} entries of the audit wait"
            self.trouble = f"{entries} for {self._folder}: {error.strerror}"
        else:
            self.trouble = ""

    def close(self) -> None:
        """Write what waits, and let go of the folder."""
        self.flush()
        self._close_file()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write_all(self) -> None:
        self._opened()
        if self._dropped:
            reason = f"{self._dropped} entries are missing here: the disk took none"
            at = self._unwritten[0].at
            self._append(_own(at, "lost", AuditOutcome.FAILED, reason))
            self._dropped = 0
        while self._unwritten:
            self._append(self._unwritten[0])
            self._unwritten.popleft()

    def _opened(self) -> int:
        """Return the open segment at the end of the chain.

        Raises
        ------
        OSError
            If that is impossible, e.g. because another writer has the folder.
        """
        if self._file is not None and os.fstat(self._file).st_nlink:
            return self._file
        self._close_file()
        self._take()
        segments = segments_of(self._folder)
        if not segments:
            # Those before may have been removed by somebody: the chain goes on and shows it.
            self._file = _open(self._folder / name_of(self.last.number + 1))
            return self._file
        self._file = file = _open(segments[-1])
        torn = _cut_torn(file)
        last = _last_link(segments)
        if last is not None and last.number >= self.last.number:
            self.last = last
        if torn:
            text = torn[:100].decode("utf-8", "replace")
            reason = f"the last {len(torn)} bytes were no whole line, as after a failure of power"
            entry = _own(time.time(), "torn", AuditOutcome.FAILED, f"{reason}: {text!r}")
            self._put(file, entry)
        return file

    def _take(self) -> None:
        if self._lock is not None:
            return
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give(self._folder, self._folder.parent)
        lock = _open(self._folder / ".lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise OSError(error.errno, "another process writes there") from error
        self._lock = lock

    def _append(self, entry: AuditEntry) -> None:
        file = self._opened()
        if os.fstat(file).st_size < self._segment_bytes:
            self._put(file, entry)
            return
        self._close_file()
        self._file = file = _open(self._folder / name_of(self.last.number + 1))
        self._put(file, entry)
        self._drop(file)

    def _put(self, file: int, entry: AuditEntry) -> None:
        line, link = chained(self.last, entry.as_row())
        before = os.fstat(file).st_size
        written = os.write(file, line)
        if written < len(line):
            # The disk is full; half a line would spoil the next one.
            os.ftruncate(file, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.last = link

    def _drop(self, file: int) -> None:
        """Remove the oldest segments if there are too many, and say so in the journal before."""
        segments = segments_of(self._folder)[: -self._most_segments]
        last = _last_link(segments)
        if last is None:
            return
        reason = f"the entries up to {last.number} go, because {self._most_segments} segments stay"
        entry = _own(time.time(), SEGMENTS_DROPPED, AuditOutcome.DONE, reason)
        self._put(file, entry._replace(parameters={"up_to": last.number, "last": last.chain}))
        for each in segments:
            each.unlink()

    def _close_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


def _last_link(segments: Sequence[Path]) -> Link | None:
    """Return the place of the last whole line of segments; None if there is none."""
    for path in reversed(segments):
        lines = path.read_bytes()[-_TAIL_BYTES:].splitlines()
        for line in reversed(lines):
            if (link := link_of(line)) is not None:
                return link
    return None


def _cut_torn(file: int) -> bytes:
    """Take away what stands behind the last line feed; return it."""
    size = os.fstat(file).st_size
    begin = max(0, size - _TAIL_BYTES)
    torn = os.pread(file, size - begin, begin).rpartition(b"\n")[2]
    if torn:
        os.ftruncate(file, size - len(torn))
    return torn


def _open(path: Path) -> int:
    # No link is followed: root may write in a folder of the daemon's user.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    if os.fstat(file).st_nlink == 1:
        _give(file, path.parent)
    return file


def _give(made: Path | int, folder: Path) -> None:
    """Give what root has made to the owner of its folder: the daemon writes there, too."""
    if os.geteuid() == 0:
        owner = folder.stat()
        if isinstance(made, int):
            os.fchown(made, owner.st_uid, owner.st_gid)
        else:
            os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _own(at: float, action: str, outcome: str, reason: str) -> AuditEntry:
    return AuditEntry(at, AuditKind.AUDIT, action, outcome, reason=reason)
