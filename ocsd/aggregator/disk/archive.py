"""The files of a data folder: names, rotation, whole frames only."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ocsd.aggregator.disk.append_file import AppendFile
from ocsd.aggregator.incoming.moment import Instant
from ocsd.errors import DataFolderError

# Readers look for files named within two hours of the data (so3g.hk.load_range).
LONGEST_FILE_S: Final = 7200.0

# Beyond this difference between the two clocks the name of a file would not be the time of
# its data [s].
MOST_CLOCK_STEP_S: Final = 60.0

# Errors that may pass by themselves: a full disk, a server that is away, another recorder
# that is just ending.
PASSING_FOLDER_ERRORS: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN}
)

_NAME_ATTEMPTS: Final = 10


class G3Files:
    """Appends frames to the current file of a data folder, which is made if it does not exist.

    One file is written for `time_per_file_s` [s], at most `LONGEST_FILE_S`. `clock` returns
    the present, `wait` lets the given number of seconds pass.
    """

    def __init__(
        self,
        folder: Path,
        time_per_file_s: float,
        clock: Callable[[], Instant],
        wait: Callable[[float], None],
    ) -> None:
        self.folder = folder
        self.time_per_file_s = min(time_per_file_s, LONGEST_FILE_S)
        self.path: Path | None = None
        self._clock = clock
        self._wait = wait
        self._file: AppendFile | None = None
        self._opened = Instant(at=0.0, mono_s=0.0)
        self._ended: list[int] = []

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`."""
        return self._file is not None

    @property
    def name(self) -> str:
        """Name of the last file within the folder."""
        return str(self.path.relative_to(self.folder)) if self.path else ""

    @property
    def length(self) -> int:
        """Length of the current file [bytes]."""
        return self._current().length

    def open(self) -> Instant:
        """Begin a file, and return the time.

        Raises
        ------
        DataFolderError
            If the file cannot be made; then there is none.
        """
        try:
            self._file = self._create()
        except OSError as error:
            raise folder_trouble(self.folder, error) from error
        self.path = self._file.path
        return self._opened

    def append(self, frames: bytes) -> None:
        """Write frames, all of them or none.

        Raises
        ------
        DataFolderError
            If they cannot be written; the file ends where it ended before.
        """
        try:
            # Half a frame would make the rest of the file unreadable.
            self._current().append(frames)
        except OSError as error:
            raise folder_trouble(self.folder, error) from error

    def cut(self, length: int) -> None:
        """Cut the current file at `length`."""
        self._current().cut(length)

    def rotation_due(self, now: Instant) -> bool:
        """Return whether the current file has to be closed."""
        if not self.is_open:
            return False
        elapsed_s = now.mono_s - self._opened.mono_s
        step_s = (now.at - self._opened.at) - elapsed_s
        return elapsed_s >= self.time_per_file_s or abs(step_s) > MOST_CLOCK_STEP_S

    def close(self) -> None:
        """End the current file, if there is one; `take_unsynced` is still due for it."""
        if self._file is not None:
            self._ended.append(self._file.descriptor)
            self._file = None

    def discard(self) -> None:
        """Remove the current file, which holds nothing worth keeping."""
        self._current().discard()
        self._file = None

    def take_unsynced(self) -> list[int]:
        """Return descriptors of all files that are not synced; the caller closes them.

        Raises
        ------
        OSError
            If no descriptor is left; then all of them are still due.
        """
        current = [os.dup(self._file.descriptor)] if self._file else []
        ended, self._ended = self._ended, []
        return ended + current

    def _create(self) -> AppendFile:
        for _ in range(_NAME_ATTEMPTS):
            self._opened = self._clock()
            path = path_of(self.folder, self._opened.at)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return AppendFile(path)
            except FileExistsError:
                # The name has room for one file a second.
                self._wait(1.0 - self._opened.at % 1.0)
        raise FileExistsError(f"{path} and the names before it are taken")

    def _current(self) -> AppendFile:
        if self._file is None:
            raise ValueError("no file is open")
        return self._file


def folder_trouble(folder: Path, error: OSError) -> DataFolderError:
    """Return an error of the system as an error for operators."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        remedy = "make room in it, or change --data-dir"
    elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
        remedy = f"make it a folder that uid {os.geteuid()} can write, or change --data-dir"
    elif error.errno in {errno.EMFILE, errno.ENFILE}:
        remedy = "allow more open files (`limits: {open-files: N}` of the aggregator's entry)"
    else:
        remedy = "see to its disk (`dmesg` says more), or change --data-dir"
    return DataFolderError(
        f"cannot write the data folder {folder}: {error.strerror or error}; {remedy}"
    )


def path_of(folder: Path, opened_at: float) -> Path:
    """Return the name of a file that is opened at Unix time `opened_at` [s]."""
    second = str(int(opened_at))
    return folder / second[:5] / f"{second}.g3"
