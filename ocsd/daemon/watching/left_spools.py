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
from ocsd.supervisor.retention import CONFIRMED_AFTER_S, is_expired

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
        self._expired_since_s: dict[str, float] = {}

    def start(self) -> None:
        """Begin."""
        self._checking.start(SPOOL_CHECK_S, now=False)

    def check(self) -> None:
        """Delete the spools that are too old."""
        listed = self.listed()
        for name in self._expired_since_s.keys() & set(listed):
            del self._expired_since_s[name]
        for folder in _folders(self.folder):
            name = unquote(folder.name)
            try:
                if name not in listed:
                    self._consider(name, folder)
            except OSError as error:  # the next check tries again
                self.log.error("cannot tidy up {folder}: {error}", folder=folder, error=error)

    def _consider(self, name: str, folder: Path) -> None:
        newest_at, size_bytes = _measured(folder)
        now_at = self.wall_clock()
        if not is_expired(newest_at, now_at):
            self._expired_since_s.pop(name, None)
            return
        now_s = self.clock.seconds()
        if now_s - self._expired_since_s.setdefault(name, now_s) < CONFIRMED_AFTER_S:
            return
        del self._expired_since_s[name]
        # Links that another user has put there are not followed.
        shutil.rmtree(folder)
        self.log.info(
            "deleted {folder} ({size_mb:.1f} MB): {name} is not in the site file any more, and "
            "last wrote there {days:.0f} days ago",
            folder=folder,
            size_mb=size_bytes / 1e6,
            name=name,
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
