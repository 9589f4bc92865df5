"""A file that only grows, by whole pieces."""

import contextlib
import os
from pathlib import Path


class AppendFile:
    """A new file; appended data are there whole or not at all.

    Attributes
    ----------
    length : int
        Length of the file [bytes].
    descriptor : int
        Open for appending.

    Raises
    ------
    FileExistsError
        If it exists.
    OSError
        If it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self.path = path
        self.length = 0
        self._torn = False
        self.descriptor = os.open(path, flags, 0o644)

    def append(self, data: bytes) -> None:
        """Write `data`.

        Raises
        ------
        OSError
            If it cannot be written whole; the file keeps its old length, or gets it back
            before anything else is written.
        """
        self._cut_if_torn()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        except OSError:
            self.cut(self.length)
            raise
        self.length += len(data)

    def cut(self, length: int) -> None:
        """Cut the file at `length`, at the latest before the next `append`."""
        self.length = length
        self._torn = True
        # Some file systems need room even for that.
        with contextlib.suppress(OSError):
            self._cut_if_torn()

    def discard(self) -> None:
        """Remove the file."""
        os.close(self.descriptor)
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _cut_if_torn(self) -> None:
        if self._torn:
            os.ftruncate(self.descriptor, self.length)
            self._torn = False


def sync_and_close(descriptor: int) -> None:
    """Sync a file to the disk, and close its descriptor.

    Raises
    ------
    OSError
        If the disk reports that it could not keep it.
    """
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
