"""Reads an instance's log file: its end, then new text, over rotations.

Rotation renames the file, and its writer goes on in the renamed one until it
sees that the name has another inode (docs/develop/architecture.md); so does the reader.
Full files are called ``{log}.1``, the latest, ``{log}.2`` and so on.
"""

import codecs
import datetime
import itertools
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from ocsd.errors import NoLogError, NotPermittedError

_BLOCK_BYTES = 64 * 1024

# ocsd writes 2026-11-22T12:02:48.238Z, and OCS 2026-11-22T12:02:48+0000.
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)(?!\d)")


def opened(path: Path) -> BinaryIO:
    """Open a log for reading.

    Raises
    ------
    FileNotFoundError
        If there is none.
    NotPermittedError
        If this user may not read it.
    NoLogError
        If it is not a file, or its disk fails.
    """
    try:
        return path.open("rb")
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not read the log {path}; use its owner's account, "
            "join its group, or use sudo"
        ) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NoLogError(
            f"the log {path} cannot be read: {error.strerror}; move aside what is there, "
            "then restart its writer"
        ) from error


def seek_last_lines(file: BinaryIO, lines: int) -> int:
    """Put the position of `file` at the beginning of its last `lines` lines; return their number.

    It is smaller if the file has fewer.
    """
    end = begin = file.seek(0, os.SEEK_END)
    size = found = 0
    while lines > 0 and begin > 0:
        size = 2 * size + _BLOCK_BYTES
        begin = max(0, end - size)
        file.seek(begin)
        # The line feed that ends the last line begins none.
        older, *last = file.read(end - begin).removesuffix(b"\n").rsplit(b"\n", lines)
        found = len(last)
        if found == lines:
            begin += len(older) + 1
            break
        found += 1  # the one that begins where the file does, as the loop ends there
    file.seek(begin)
    return found


def written_at(line: bytes) -> float | None:
    """Return the time at the beginning of a line [s, Unix time]; None if it has none."""
    stamp = _STAMP.match(line)
    if stamp is None:
        return None
    moment, fraction, zone = (part.decode() for part in stamp.groups(b""))
    try:
        whole = datetime.datetime.fromisoformat(moment + zone).timestamp()
    except ValueError:
        return None
    return whole + float(fraction or 0)


def seek_time(file: BinaryIO, since_at: float) -> None:
    """Put the position of `file` at its first line of a time or later; at its end, if none is.

    Lines without a time belong to the one before; a file without any time is read from its
    beginning if it was written to since then. The time is a Unix time [s].
    """
    position = file.seek(0)
    has_times = False
    for line in file:
        at = written_at(line)
        has_times = has_times or at is not None
        if at is not None and at >= since_at:
            break
        position += len(line)
    if not has_times and os.fstat(file.fileno()).st_mtime >= since_at:
        position = 0
    file.seek(position)


def rotated(path: Path, since_at: float) -> list[BinaryIO]:
    """Open the full files of a log that were written to since a time, the oldest first."""
    files: list[BinaryIO] = []
    for number in itertools.count(1):
        try:
            file = opened(path.with_name(f"{path.name}.{number}"))
        except FileNotFoundError:
            break
        if os.fstat(file.fileno()).st_mtime < since_at:
            file.close()
            break
        files.append(file)
    return files[::-1]


def rotated_end(path: Path, lines: int) -> list[BinaryIO]:
    """Open the full files of a log that hold its last `lines` lines, and go there; oldest first."""
    files: list[BinaryIO] = []
    for number in itertools.count(1):
        if lines <= 0:
            break
        try:
            file = opened(path.with_name(f"{path.name}.{number}"))
        except FileNotFoundError:
            break
        lines -= seek_last_lines(file, lines)
        files.append(file)
    return files[::-1]


def last_lines(path: Path, lines: int) -> list[str]:
    """Return at most `lines` last lines of a log; none if it cannot be read."""
    try:
        with Follower(path, lines) as log:
            text = "".join(log.fresh())
    except (OSError, NoLogError, NotPermittedError):
        return []
    # str.splitlines would also split at other characters, which may be inside a message.
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n") if text]


class Follower:
    """Reads a log from a place near its end, then all text that is appended to it.

    The log need not exist yet. Reading begins with its last `lines` lines, or with the lines of
    the time `since_at` [s, Unix time]; both may stand in rotated files.
    """

    def __init__(self, path: Path, lines: int, since_at: float | None = None) -> None:
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._replaced = False
        self._earlier: list[BinaryIO] = []
        self._file: BinaryIO | None = self._open()
        if since_at is not None:
            self._begin_at(since_at)
        else:
            self._begin_with_last(lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        for file in (*self._earlier, self._file):
            if file is not None:
                file.close()

    @property
    def exists(self) -> bool:
        """Whether there is a log."""
        return self._file is not None or bool(self._earlier)

    @property
    def place(self) -> tuple[int, int]:
        """The inode of the file and the number of bytes of it that were read; 0, 0 if none is."""
        if self._file is None:
            return 0, 0
        return os.fstat(self._file.fileno()).st_ino, self._file.tell()

    def go_to(self, inode: int, read_bytes: int) -> None:
        """Go on at a place where another reader was; at the oldest line if it is lost."""
        self.__exit__()
        self._file = self._open()
        self._earlier = rotated(self._path, -math.inf)
        self._drop_double()
        files = list(filter(None, (*self._earlier, self._file)))
        inodes = [os.fstat(file.fileno()).st_ino for file in files]
        if inode in inodes:
            number = inodes.index(inode)
            files[number].seek(read_bytes)
            self._earlier = self._earlier[number:]

    def fresh(self) -> Iterator[str]:
        """Yield the text that can be read now; to be called again and again to follow.

        A piece of text need not end with a line.
        """
        while self._earlier:
            yield from self._rest(self._earlier[0])
            self._earlier.pop(0).close()
        if self._file is None:
            self._file = self._open()
        if self._file is None:
            return
        yield from self._rest(self._file)
        if self._replaced:
            # One more round has passed since another file took the name, so the
            # writer has noticed it too, and what it wrote here has been read.
            following = self._open()
            if following is not None:
                self._file.close()
                self._file, self._replaced = following, False
                yield from self._rest(self._file)
        else:
            self._compare_name(self._file)

    def _begin_with_last(self, lines: int) -> None:
        if self._file is not None:
            lines -= seek_last_lines(self._file, lines)
        self._earlier = rotated_end(self._path, lines)
        self._drop_double()

    def _drop_double(self) -> None:
        """Close a full file that is the present one: it was rotated in the moment between."""
        if self._file and self._earlier and _is_same(self._file, self._earlier[-1]):
            self._earlier.pop().close()

    def _begin_at(self, since_at: float) -> None:
        self._earlier = rotated(self._path, since_at)
        self._drop_double()
        first = next(iter((*self._earlier, self._file)), None)
        if first is not None:
            seek_time(first, since_at)

    def _rest(self, file: BinaryIO) -> Iterator[str]:
        while block := file.read(_BLOCK_BYTES):
            yield self._decoder.decode(block)

    def _compare_name(self, file: BinaryIO) -> None:
        present = os.fstat(file.fileno())
        if file.tell() > present.st_size:
            file.seek(0)  # another program emptied the file in place
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return  # renamed, and the writer has not made the next one yet
        self._replaced = not os.path.samestat(named, present)

    def _open(self) -> BinaryIO | None:
        try:
            return opened(self._path)
        except FileNotFoundError:
            return None


def _is_same(file: BinaryIO, other: BinaryIO) -> bool:
    return os.path.sameopenfile(file.fileno(), other.fileno())
