"""Standard output and error of an agent, which a full disk neither kills nor stops."""

import errno
import io
import os
import sys
from typing import Any, TextIO

from ocsd.log.file import FLOOD_BYTES
from ocsd.reactor.lookout import LOOKOUT

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of a disk that may take more later."""

NOTE = "ocsd: note: "
"""The begin of a line that ocsd itself writes to an agent's log, which explains no failure."""


class PatientFile(io.FileIO):
    """A file that always accepts text, though the text may be lost.

    As soon as there is room again, the file says how much was lost and why.
    """

    _lost_bytes = 0
    _why = ""
    _unchecked_bytes = 0

    def write(self, data: Any) -> int:
        """Write all of it, or lose the rest."""
        left = memoryview(data).cast("B")
        size = len(left)
        self._unchecked_bytes += size
        if self._unchecked_bytes > FLOOD_BYTES:
            self._unchecked_bytes = 0
            LOOKOUT.hurry()
        try:
            if self._lost_bytes:
                gap = f"\n{NOTE}{self._lost_bytes} bytes of this log were lost: {self._why}\n"
                super().write(gap.encode())
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
    """Make standard output and error such files; call it before anything is printed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        stream.flush()
        patient = opened(stream.fileno())
        setattr(sys, name, patient)
        setattr(sys, f"__{name}__", patient)


def opened(descriptor: int) -> TextIO:
    """Return a text stream to a descriptor, which it does not close."""
    buffered = io.BufferedWriter(PatientFile(descriptor, "w", closefd=False))
    # Names of files may have bytes that are not UTF-8.
    return io.TextIOWrapper(buffered, "utf-8", errors="backslashreplace", line_buffering=True)
