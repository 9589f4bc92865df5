"""Restores the files of the runtime folder that others need, if they are removed.

It happens: logind empties a user's runtime folder at logout, and people tidy up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ocsd.daemon.instances.ports import Clock
from ocsd.reactor.repeating import repeating
from ocsd.system.paths import identity

RUNTIME_FILES_CHECK_S: Final = 2.0


@dataclass(eq=False)
class LostFiles:
    """Checks every two seconds whether the files are still there."""

    log = Logger()

    make_folders: Callable[[], None]
    """Makes the folders that are missing; raises OcsdError or OSError if it cannot."""
    excuse: Callable[[], None]
    """Blames no instance for its silence; called as long as a file is missing."""
    record: Callable[[str], None]
    """Takes a sentence for the history."""
    clock: Clock

    def __post_init__(self) -> None:
        self._kept: dict[Path, tuple[Callable[[], object], object]] = {}
        self._trouble = ""
        self._checking = repeating(self.check, self.clock)

    def start(self) -> None:
        """Begin."""
        self._checking.start(RUNTIME_FILES_CHECK_S, now=False)

    def keep(self, path: Path, make: Callable[[], object]) -> None:
        """Keep a file that has just been made; `make` makes it again, or raises OSError."""
        self._kept[path] = make, identity(path)

    def check(self) -> None:
        """Restore the files that are missing."""
        lost = [path for path, (_, before) in self._kept.items() if identity(path) != before]
        if not lost:
            return
        self.excuse()
        names = ", ".join(map(str, lost))
        try:
            self.make_folders()
            for path in lost:
                make, _ = self._kept[path]
                make()
                self.keep(path, make)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next check tries again
            self._report(f"{names} removed by another program; cannot be restored: {error}")
        else:
            self._report(f"{names} removed by another program; restored")
            self._trouble = ""

    def _report(self, text: str) -> None:
        """Log and record a sentence once, however often it is repeated."""
        if text != self._trouble:
            self.log.error("{text}", text=text)
            self.record(text)
        self._trouble = text
