"""Standard output and error of an agent, which a full disk neither kills nor stops."""

import errno
import io
import os
import sys
from typing import Any, TextIO

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What is wrong with a disk that may take more later."""


class PatientFile(io.FileIO):
    """A file to which something can always be written, though it may be lost.

    As soon as there is room again, the file says how much was lost and why.
    """

    _lost_bytes = 0
    _why = ""

    def write(self, data: Any) -> int:
        """Write, or lose, all of it."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            if self._lost_bytes:
                note = f"\nocsd: {self._lost_bytes} bytes of this log were lost: {self._why}\n"
                super().write(note.encode())
                self._lost_bytes = 0
            while left:
                left = left[super().write(left) or 0 :]
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self._lost_bytes += len(left)
            self._why = os.strerror(error.errno)
        return size


def install() -> None:
    """Make standard output and error such files, line by line; call it before anything is said."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        stream.flush()
        patient = opened(stream.fileno())
        setattr(sys, name, patient)
        setattr(sys, f"__{name}__", patient)


def opened(descriptor: int) -> TextIO:
    """Return a text stream to a descriptor, which it does not close."""
    buffered = io.BufferedWriter(PatientFile(descriptor, "w", closefd=False))
    # What cannot be encoded, such as names of files that are no UTF-8, is shown somehow.
    return io.TextIOWrapper(buffered, "utf-8", errors="backslashreplace", line_buffering=True)
