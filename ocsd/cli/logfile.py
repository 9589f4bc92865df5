"""Read an instance's log file: its end, and what is appended, over rotations.

Rotation renames the file, and its writer goes on in the renamed one until it
sees that the name has another inode (docs/architecture.md); so does the reader.
"""

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ocsd.errors import NotPermittedError

_BLOCK_BYTES = 64 * 1024


def opened(path: Path) -> BinaryIO:
    """Open a log for reading.

    Raises
    ------
    FileNotFoundError
        If there is none.
    NotPermittedError
        If this user may not read it.
    """
    try:
        return path.open("rb")
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not read the log {path}; use its owner's account, "
            "join its group, or use sudo"
        ) from error


def seek_last_lines(file: BinaryIO, lines: int) -> None:
    """Put the position of `file` at the beginning of its last `lines` lines."""
    position = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return
    # The line feed that ends the last line begins none.
    wanted = lines + 1 if _ends_with_line_feed(file, position) else lines
    while position > 0:
        size = min(_BLOCK_BYTES, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        found = block.count(b"\n")
        if found >= wanted:
            file.seek(position + _nth_from_end(block, wanted) + 1)
            return
        wanted -= found
    file.seek(0)


def last_lines(path: Path, lines: int) -> list[str]:
    """Return the last lines of a log; none if it cannot be read.

    Parameters
    ----------
    path : Path
    lines : int
        How many at most.
    """
    try:
        with opened(path) as file:
            seek_last_lines(file, lines)
            return file.read().decode("utf-8", "replace").splitlines()
    except (OSError, NotPermittedError):
        return []


class Follower:
    """Reads a log from a place near its end, then whatever is appended to it.

    Parameters
    ----------
    path : Path
        The log. It need not exist yet.
    lines : int
        With how many of the present last lines to begin.
    """

    def __init__(self, path: Path, lines: int) -> None:
        self._path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._replaced = False
        self._file: BinaryIO | None = self._open()
        if self._file is not None:
            seek_last_lines(self._file, lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def found(self) -> bool:
        """Whether there is a log."""
        return self._file is not None

    def fresh(self) -> Iterator[str]:
        """Yield what can be read now; to be called again and again to follow.

        Yields
        ------
        str
            Pieces of text, which need not end with a line.
        """
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
            self._look_at_name(self._file)

    def _rest(self, file: BinaryIO) -> Iterator[str]:
        while block := file.read(_BLOCK_BYTES):
            yield self._decoder.decode(block)

    def _look_at_name(self, file: BinaryIO) -> None:
        present = os.fstat(file.fileno())
        if file.tell() > present.st_size:
            file.seek(0)  # somebody emptied the file in place
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return  # renamed, and the writer has not made the next one yet
        self._replaced = (named.st_dev, named.st_ino) != (present.st_dev, present.st_ino)

    def _open(self) -> BinaryIO | None:
        try:
            return opened(self._path)
        except FileNotFoundError:
            return None


def _ends_with_line_feed(file: BinaryIO, size_bytes: int) -> bool:
    if size_bytes == 0:
        return False
    file.seek(size_bytes - 1)
    return file.read(1) == b"\n"


def _nth_from_end(block: bytes, count: int) -> int:
    place = len(block)
    for _ in range(count):
        place = block.rindex(b"\n", 0, place)
    return place
