"""Makes anew what others have to find in the runtime folder, should somebody remove it.

It happens: logind empties a user's runtime folder at logout, and people tidy up.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ocsd.system.paths import identity

RUNTIME_FILES_CHECK_S: Final = 2.0


class LostFiles:
    """Looks every two seconds whether the files are still there.

    Parameters
    ----------
    make_folders : callable
        Makes the folders that are missing; raises OcsdError or OSError if it cannot.
    excuse : callable
        Called without arguments as long as something is missing: what nobody could tell
        this daemon must not be held against anybody.
    note : callable
        Takes what happened in words, for the journal.
    clock : IReactorTime
        The time.
    """

    log = Logger()

    def __init__(
        self,
        make_folders: Callable[[], None],
        excuse: Callable[[], None],
        note: Callable[[str], None],
        clock: Any,
    ) -> None:
        self._make_folders = make_folders
        self._excuse = excuse
        self._note = note
        self._kept: dict[Path, tuple[Callable[[], object], object]] = {}
        self._trouble = ""
        self._checking: Any = LoopingCall(self.check)
        self._checking.clock = clock

    def start(self) -> None:
        """Begin."""
        self._checking.start(RUNTIME_FILES_CHECK_S, now=False)

    def keep(self, path: Path, make: Callable[[], object]) -> None:
        """Keep a file that has just been made.

        Parameters
        ----------
        path : Path
            The file.
        make : callable
            Makes it anew; raises OSError if it cannot.
        """
        self._kept[path] = make, identity(path)

    def check(self) -> None:
        """Look once, and make what is missing."""
        lost = [path for path, (_, known) in self._kept.items() if identity(path) != known]
        if not lost:
            return
        self._excuse()
        names = ", ".join(map(str, lost))
        try:
            self._make_folders()
            for path in lost:
                make, _ = self._kept[path]
                make()
                self.keep(path, make)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look tries again
            self._tell(f"somebody has removed {names}; making it anew fails: {error}")
        else:
            self._tell(f"somebody had removed {names}; made anew")
            self._trouble = ""

    def _tell(self, text: str) -> None:
        """Say something, but not the same again and again."""
        if text != self._trouble:
            self.log.error("{text}", text=text)
            self._note(text)
        self._trouble = text
