"""The lock of a data folder: two recorders would each replay the journal of the other."""

import contextlib
import os
from pathlib import Path

from ocsd.errors import DataFolderError
from ocsd.system import locks


class Lock:
    """Holds a data folder, which exists, until `release` or the death of the process.

    Raises
    ------
    DataFolderError
        If another recorder holds it.
    OSError
        If the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "ocsd" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            holder = locks.take(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise
        if holder is not None:
            os.close(self._descriptor)
            pid = "".join(holder) or "unknown"
            raise DataFolderError(
                f"the data folder {folder} is being recorded by pid {pid}; stop that one, or "
                "change --data-dir"
            )
        # The pid is only for a message, and a full disk has no room even for that.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let others record."""
        os.close(self._descriptor)
