"""A part of an agent's spool: messages of one feed in a row, in a file or in memory.

Both hold the same bytes: records of length, CRC-32 and payload. The first record is the
feed's description, each other one a message with its number. Reading stops at the first
record that is cut off or damaged.
"""

import errno
import marshal
import os
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import cbor2

SUFFIX = ".spool"
# The process lacks descriptors or memory; the file itself may be in order.
SHORTAGE_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
# Largest size of a feed's description.
DESCRIPTION_BYTES = 2**16

_HEAD = struct.Struct("<II")
_NUMBER = struct.Struct("<Q")
_RECORD = struct.Struct("<IIQ")  # both
_RECORD_BYTES = _RECORD.size
# The format of Python 2.5, which every later Python reads.
_MARSHAL_VERSION = 2
_MARSHAL, _CBOR = b"m", b"c"


def packed(value: Any) -> bytes:
    """Return a message as bytes.

    Python's own format takes a fifteenth of the time that CBOR takes, which an agent
    spends on every message. CBOR is for the rare types that it does not have.

    Raises
    ------
    ValueError, TypeError
        If it contains a type that neither format has.
    """
    try:
        return _MARSHAL + marshal.dumps(value, _MARSHAL_VERSION)
    except ValueError:
        try:
            return _CBOR + cbor2.dumps(value)
        except (cbor2.CBOREncodeError, OverflowError, RecursionError) as error:
            raise ValueError(f"it cannot be encoded: {error}") from error


def unpacked(body: bytes) -> Any:
    """Return the message from which `packed` made `body`.

    Raises
    ------
    ValueError
        If it cannot be decoded.
    """
    try:
        if body[:1] == _MARSHAL:
            return marshal.loads(body[1:])
        return cbor2.loads(body[1:])
    except (EOFError, TypeError, cbor2.CBORDecodeError) as error:
        raise ValueError(f"it cannot be decoded: {error}") from error


def record(number: int, body: bytes) -> bytes:
    """Return a message, `packed` into `body`, as it is stored."""
    checksum = crc32(body, crc32(_NUMBER.pack(number)))
    return _RECORD.pack(_NUMBER.size + len(body), checksum, number) + body


def records(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield number, body and end [bytes from the beginning] of each whole record."""
    # As `ocsd.system.records.whole_records`, but three times as fast: each message comes by here.
    view, size_bytes, end = memoryview(data), len(data), 0
    while end + _RECORD_BYTES <= size_bytes:
        length, checksum, number = _RECORD.unpack_from(data, end)
        begin = end + _RECORD_BYTES
        end += _HEAD.size + length
        # A file system may leave zeros at the end of a file after a power cut.
        if end > size_bytes or end <= begin or crc32(view[begin - _NUMBER.size : end]) != checksum:
            return
        yield number, data[begin:end], end


class ReadableSegment(ABC):
    """Messages of one feed in a row.

    Attributes
    ----------
    first, next : int
        Number of its first message, and the number after that of its last one.
    info : dict
        The feed's description.
    size_bytes : int
        Size of all its records.
    """

    def __init__(self, first: int, info: dict[str, Any]) -> None:
        self.first = self.next = first
        self.info = info
        self.size_bytes = 0
        # Lets a reader resume instead of scanning the segment again: a number and its place.
        self._resume_at = (first, 0)

    @abstractmethod
    def data(self, start: int) -> bytes:
        """Return the content from a place on [bytes from the beginning]; empty if it is gone."""

    def bodies(self, after: int) -> Iterator[tuple[int, bytes]]:
        """Yield number and body of the messages from number `after` on."""
        number, start = self._resume_at
        if number > after:
            start = 0
        rest = records(self.data(start))
        if start == 0:
            next(rest, None)  # the description
        for number, body, end in rest:
            if number >= after:
                yield number, body
                self._resume_at = (number + 1, start + end)


class AppendableSegment(ReadableSegment):
    """A segment of this life, to which messages are added.

    Attributes
    ----------
    begun_s, newest_s : float
        Time at which it was made and at which its last message came [s, monotonic].
    """

    def __init__(self, first: int, info: dict[str, Any]) -> None:
        super().__init__(first, info)
        self.begun_s = self.newest_s = 0.0

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Add bytes at the end.

        Raises
        ------
        OSError
            If they could not all be written; a part of them may have been.
        """

    def put(self, entry: bytes, number: int, now_s: float) -> None:
        """Add a record, the result of `record`.

        Raises
        ------
        OSError
            If it could not be written.
        """
        self.write(entry)
        self.next = number + 1
        self.newest_s = now_s

    def close(self) -> None:
        """Release the file, if there is one; nothing can be added from now on."""

    def remove(self) -> None:
        """Delete the file, if there is one."""


class MemorySegment(AppendableSegment):
    """A segment in memory, for as long as the disk takes no messages."""

    def __init__(self, first: int, info: dict[str, Any]) -> None:
        super().__init__(first, info)
        self._data = bytearray()
        self.write(record(first, packed(info)))

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._data += data
        self.size_bytes = len(self._data)

    def data(self, start: int) -> bytes:
        """Return the content from a place on [bytes from the beginning]."""
        return bytes(memoryview(self._data)[start:])


class FileSegment(AppendableSegment):
    """A segment in a file, named by its first number; the folder is made as well.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, folder: Path, first: int, info: dict[str, Any]) -> None:
        super().__init__(first, info)
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.path = folder / f"{first:020}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o640)
        self._write_or_remove(record(first, packed(info)))

    @classmethod
    def of(cls, segment: AppendableSegment, folder: Path) -> "FileSegment":
        """Return a copy of another segment.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        copy = cls(folder, segment.first, segment.info)
        copy._write_or_remove(segment.data(copy.size_bytes))
        copy.next, copy.begun_s, copy.newest_s = segment.next, segment.begun_s, segment.newest_s
        return copy

    def write(self, data: bytes) -> None:
        """Add bytes at the end; raises as `AppendableSegment.write`."""
        written = os.write(self._descriptor, data)
        self.size_bytes += written
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def data(self, start: int) -> bytes:
        """Return the content from a place on [bytes from the beginning]; empty if it is gone."""
        return content(self.path, start)

    def close(self) -> None:
        """Close the file; nothing can be added from now on."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):  # it is closed all the same
                os.close(descriptor)

    def remove(self) -> None:
        """Delete the file.

        Raises
        ------
        OSError
            If that is not possible.
        """
        self.close()
        self.path.unlink(missing_ok=True)

    def _write_or_remove(self, data: bytes) -> None:
        try:
            self.write(data)
        except OSError:
            self.remove()
            raise


class FoundSegment(ReadableSegment):
    """A segment in a file of an earlier life.

    `following` is the first number of the segment after it. If that is None, because this is
    the last one, the whole file is read to find its end.

    Raises
    ------
    ValueError
        If it has no legible beginning.
    """

    def __init__(self, path: Path, following: int | None = None) -> None:
        self.path = path
        data = content(path, size_bytes=-1 if following is None else DESCRIPTION_BYTES)
        found = records(data)
        super().__init__(*_description(found))
        self.size_bytes = len(data)
        if following is not None:
            self.next = following
            return
        for number, _, _ in found:
            self.next = number + 1

    def data(self, start: int) -> bytes:
        """Return the content from a place on [bytes from the beginning]; empty if it is gone."""
        return content(self.path, start)


def description(data: bytes) -> dict[str, Any]:
    """Return the feed's description at the beginning of a segment's content.

    Raises
    ------
    ValueError
        If the beginning is not legible.
    """
    return _description(records(data))[1]


def content(path: Path, start: int = 0, size_bytes: int = -1) -> bytes:
    """Return a file's content from a place on; empty if it is gone or cannot be read.

    Raises
    ------
    OSError
        If the process lacks descriptors or memory to read it now: it is not lost.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(size_bytes)
    except OSError as error:
        if error.errno in SHORTAGE_ERRORS:
            raise
        return b""


def _description(found: Iterator[tuple[int, bytes, int]]) -> tuple[int, dict[str, Any]]:
    first, body, _ = next(found, (0, b"", 0))
    info = unpacked(body)
    if not isinstance(info, dict):
        raise ValueError("it does not begin with a feed's description")
    return first, info
