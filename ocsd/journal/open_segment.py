"""A segment of the journal that is read while it is written."""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path

from ocsd.journal.format import (
    HEAD,
    MAGIC,
    Decoder,
    Event,
    File,
    FrameAppended,
    Message,
    check_version,
)


class OpenSegment:
    """Reads a segment in pieces; its descriptor keeps it readable when it has been deleted.

    Attributes
    ----------
    number : int
        Its number.
    offset : int
        End of the last entry that was read; layouts behind it are read again.
    checksum : int
        That of the record of this entry.
    file : File or None
        The G3 file to which the recorder wrote at the last entry, with its length then. The next
        segment of the same journal begins with it.
    ended : bool
        True when the writer is known to have begun another one.

    Raises
    ------
    OSError
        If it cannot be opened.
    """

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self.offset = 0
        self.checksum = 0
        self.file: File | None = None
        self.ended = False
        self._path = path
        self._decoder = Decoder()
        self._fruitless = (0, 0)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._closing = weakref.finalize(self, os.close, self._descriptor)

    def close(self) -> None:
        """Close the descriptor, which otherwise ends with this object."""
        self._closing()

    def read(self, most_bytes: int) -> list[Message | Event]:
        """Return the next entries that are whole, of about `most_bytes`; at least one if there is.

        Raises
        ------
        JournalVersionError
            If it is of another version of the format.
        """
        status = os.fstat(self._descriptor)
        state = status.st_size, status.st_mtime_ns
        if state == self._fruitless or not self._has_begun():
            return []
        length = most_bytes
        while self.offset < status.st_size:
            entries = self._take(min(length, status.st_size - self.offset))
            if entries:
                return entries
            if self.offset + length >= status.st_size:
                break
            length *= 2  # for a record that is longer
        self._fruitless = state
        return []

    def find(self, offset: int, checksum: int) -> bool:
        """Go behind the record that ends at `offset`, if there is one with this checksum."""
        while self.offset < offset and self.read(offset - self.offset):
            pass
        return (self.offset, self.checksum) == (offset, checksum)

    def skip(self) -> None:
        """Go behind all entries that are there."""
        while self.read(2**22):
            pass

    def is_at(self, path: Path | None) -> bool:
        """Return whether `path` is still this file, and not another of its name."""
        if path is None:
            return False
        try:
            there = path.stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    @property
    def left_bytes(self) -> int:
        """Length of the rest that has not been read, or cannot be."""
        return os.fstat(self._descriptor).st_size - self.offset

    def _has_begun(self) -> bool:
        if self.offset:
            return True
        if check_version(os.pread(self._descriptor, len(MAGIC), 0), str(self._path)):
            self.offset = len(MAGIC)
        return bool(self.offset)

    def _take(self, length: int) -> list[Message | Event]:
        data = os.pread(self._descriptor, length, self.offset)
        entries = []
        begin = end = 0
        for entry, begin, end in self._decoder.entries(memoryview(data)):  # noqa: B007 # the last
            entries.append(entry)
        if entries:
            _length, self.checksum, _kind = HEAD.unpack_from(data, begin)
            self.offset += end
            self.file = _last_file(entries) or self.file
        return entries


def _last_file(entries: Sequence[Message | Event]) -> File | None:
    """Return the G3 file of the last entry that tells one, with its length then."""
    for entry in reversed(entries):
        match entry:
            case File():
                return entry
            case FrameAppended(name, offset, length):
                return File(name, offset + length)
    return None
