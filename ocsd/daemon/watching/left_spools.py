"""Deletes the spools of instances that were removed from the site file long ago."""

import os
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from twisted.logger import Logger

from ocsd.daemon.instances.ports import Clock
from ocsd.reactor.repeating import repeating
from ocsd.supervisor.retention import Confirmation, is_expired

SPOOL_CHECK_S: Final = 3600.0
"""Time between two checks [s]. None is made at the start, when the machine's clock may be wrong."""


@dataclass(eq=False)
class LeftSpools:
    """Checks once an hour for spools that are too old to be asked for, for a day already."""

    log = Logger()

    folder: Path
    """The folder with one folder for the spools of each instance."""
    listed: Callable[[], Collection[str]]
    """Returns the instances that are in the site file, or still run."""
    clock: Clock
    wall_clock: Callable[[], float] = time.time
    """Returns the Unix time [s]."""

    def __post_init__(self) -> None:
        self._checking = repeating(self.check, self.clock)
        self._confirmation: Confirmation[Path] = Confirmation()

    def start(self) -> None:
        """Begin."""
        self._checking.start(SPOOL_CHECK_S, now=False)

    def check(self) -> None:
        """Delete the spools that are too old."""
        listed, now_at = self.listed(), self.wall_clock()
        left = [each for each in _folders(self.folder) if unquote(each.name) not in listed]
        expired = [each for each in left if self._is_expired(each, now_at)]
        for folder in self._confirmation.of(expired, self.clock.seconds()):
            try:
                self._delete(folder, now_at)
            except OSError as error:  # the next check tries again
                self._cannot(folder, error)

    def _is_expired(self, folder: Path, now_at: float) -> bool:
        try:
            return is_expired(_measured(folder)[0], now_at)
        except OSError as error:
            self._cannot(folder, error)
            return False

    def _cannot(self, folder: Path, error: OSError) -> None:
        self.log.error("cannot tidy up {folder}: {error}", folder=folder, error=error)

    def _delete(self, folder: Path, now_at: float) -> None:
        newest_at, size_bytes = _measured(folder)
        # Links that another user has put there are not followed.
        shutil.rmtree(folder)
        self.log.info(
            "deleted {folder} ({size_mb:.1f} MB): {name} is not in the site file any more, and "
            "last wrote there {days:.0f} days ago",
            folder=folder,
            size_mb=size_bytes / 1e6,
            name=unquote(folder.name),
            days=(now_at - newest_at) / 86400,
        )


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError):  # there is none yet
        paths = sorted(folder.iterdir())
        return [path for path in paths if path.is_dir() and not path.is_symlink()]
    return []


def _measured(folder: Path) -> tuple[float, int]:
    """Return when a folder was last written to [s, Unix time], and its size [bytes]."""
    newest_at, size_bytes = folder.stat().st_mtime, 0
    for where, _, files in os.walk(folder):
        for file in files:
            status = os.stat(os.path.join(where, file), follow_symlinks=False)
            newest_at = max(newest_at, status.st_mtime)
            size_bytes += status.st_size
    return newest_at, size_bytes
