"""Deletes the spools of instances that left the site file long ago."""

import os
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ocsd.supervisor.retention import is_expired

SPOOL_CHECK_S: Final = 3600.0
"""Not at the start, when the clock of a machine without a battery may be wrong."""


class LeftSpools:
    """Looks once an hour for spools that nobody will ask for any more.

    Parameters
    ----------
    folder : Path
        Where the spools are, a folder for each instance.
    listed : callable
        Returns the instances that are in the site file, or still run.
    clock : IReactorTime
        The time.
    wall_clock : callable
        Returns the Unix time [s].
    """

    log = Logger()

    def __init__(
        self,
        folder: Path,
        listed: Callable[[], Collection[str]],
        clock: Any,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._listed = listed
        self._wall_clock = wall_clock
        self._checking: Any = LoopingCall(self.check)
        self._checking.clock = clock

    def start(self) -> None:
        """Begin."""
        self._checking.start(SPOOL_CHECK_S, now=False)

    def check(self) -> None:
        """Look once, and delete what can go."""
        listed = self._listed()
        for folder in _folders(self._folder):
            name = unquote(folder.name)
            try:
                if name not in listed:
                    self._consider(name, folder)
            except OSError as error:  # the next look tries again
                self.log.error("cannot tidy up {folder}: {error}", folder=folder, error=error)

    def _consider(self, name: str, folder: Path) -> None:
        newest_at, size_bytes = _measured(folder)
        now_at = self._wall_clock()
        if not is_expired(newest_at, now_at):
            return
        # Links that another user has put there are not followed.
        shutil.rmtree(folder)
        self.log.info(
            "deleted {folder} ({size_mb:.1f} MB): {name} is not in the site file any more, and "
            "wrote there {days:.0f} days ago for the last time",
            folder=folder,
            size_mb=size_bytes / 1e6,
            name=name,
            days=(now_at - newest_at) / 86400,
        )


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError):  # there is none yet
        return [
            each for each in sorted(folder.iterdir()) if each.is_dir() and not each.is_symlink()
        ]
    return []


def _measured(folder: Path) -> tuple[float, int]:
    """Return when a folder was last written to [s, Unix time], and its size [bytes]."""
    newest_at, size_bytes = folder.stat().st_mtime, 0
    for where, _, files in os.walk(folder):
        for each in files:
            found = os.stat(os.path.join(where, each), follow_symlinks=False)
            newest_at = max(newest_at, found.st_mtime)
            size_bytes += found.st_size
    return newest_at, size_bytes
