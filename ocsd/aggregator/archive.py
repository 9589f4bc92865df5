"""The files of a data folder: names, rotation, whole frames only."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ocsd.aggregator.moment import Moment
from ocsd.errors import DataFolderError

# Readers look for files named within two hours of the data (so3g.hk.load_range).
LONGEST_FILE_S: Final = 7200.0

# Beyond this difference between the two clocks the name of the file no longer
# tells when its data were taken [s].
MOST_CLOCK_STEP_S: Final = 60.0

_NAME_ATTEMPTS: Final = 10


class Archive:
    """Append frames to the current file of a data folder.

    Parameters
    ----------
    folder : Path
        The data folder; made if it does not exist.
    time_per_file_s : float
        How long one file is written [s]; at most `LONGEST_FILE_S`.
    clock : callable
        Returns the present.
    wait : callable
        Lets the given number of seconds pass.
    """

    def __init__(
        self,
        folder: Path,
        time_per_file_s: float,
        clock: Callable[[], Moment],
        wait: Callable[[float], None],
    ) -> None:
        self.folder = folder
        self.time_per_file_s = min(time_per_file_s, LONGEST_FILE_S)
        self.path: Path | None = None
        self._clock = clock
        self._wait = wait
        self._descriptor: int | None = None
        self._opened = Moment(at=0.0, mono_s=0.0)
        self._length = 0

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`."""
        return self._descriptor is not None

    def open(self, head: Callable[[Moment], bytes]) -> None:
        """Begin a file.

        Parameters
        ----------
        head : callable
            Given the time, returns the frames that a file begins with.

        Raises
        ------
        DataFolderError
            If the file cannot be made or written; then there is none.
        """
        try:
            descriptor, path = self._create()
        except OSError as error:
            raise self._trouble(error) from error
        self._descriptor, self._length = descriptor, 0
        try:
            self.append(head(self._opened))
        except DataFolderError:
            self._discard(path)
            raise
        self.path = path

    def append(self, frames: bytes) -> None:
        """Write frames, all of them or none.

        Raises
        ------
        DataFolderError
            If they cannot be written; the file ends where it ended before.
        """
        if self._descriptor is None:
            raise ValueError("no file is open")
        rest = memoryview(frames)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            # Half a frame would make the rest of the file unreadable.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
            raise self._trouble(error) from error
        self._length += len(frames)

    def rotation_due(self, now: Moment) -> bool:
        """Tell whether the current file has to be closed."""
        if not self.is_open:
            return False
        elapsed_s = now.mono_s - self._opened.mono_s
        step_s = (now.at - self._opened.at) - elapsed_s
        return elapsed_s >= self.time_per_file_s or abs(step_s) > MOST_CLOCK_STEP_S

    def close(self) -> None:
        """End the current file, if there is one, and see it onto the disk.

        Raises
        ------
        DataFolderError
            If the disk reports that it could not keep it.
        """
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise self._trouble(error) from error
        finally:
            os.close(descriptor)

    def _create(self) -> tuple[int, Path]:
        for _ in range(_NAME_ATTEMPTS):
            self._opened = self._clock()
            path = path_of(self.folder, self._opened.at)
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            try:
                return os.open(path, flags, 0o644), path
            except FileExistsError:
                # The name has room for one file a second.
                self._wait(1.0 - self._opened.at % 1.0)
        raise FileExistsError(f"{path} and the names before it are taken")

    def _discard(self, path: Path) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        with contextlib.suppress(OSError):
            path.unlink()

    def _trouble(self, error: OSError) -> DataFolderError:
        return DataFolderError(
            f"cannot write the data folder {self.folder}: {error.strerror or error}; make room in "
            f"it and writable for uid {os.geteuid()}, or change --data-dir"
        )


def path_of(folder: Path, opened_at: float) -> Path:
    """Return the name of a file that is opened at Unix time `opened_at` [s]."""
    second = str(int(opened_at))
    return folder / second[:5] / f"{second}.g3"
