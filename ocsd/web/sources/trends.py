"""Trends, made in the background by a thread that leaves at least half of its time to others."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.logger import Logger

from ocsd.errors import OcsdError

FIRST_DELAY_S: Final = 20.0
"""Time after the start of this process before any is made: the host starts meanwhile [s]."""
SURVEY_PERIOD_S: Final = 60.0
"""Time between two looks for files without a trend [s]."""
FOLDER_PERIOD_S: Final = 2.0
"""Time between two looks for a data folder that is not there [s]."""
SHORTEST_PAUSE_S: Final = 0.05
"""Pause after a step, at least; as long as the step if that is more: half a processor [s]."""


class Trends:
    """Makes the trends of a data folder that are missing.

    Parameters
    ----------
    folder : Path or None
        The data folder; None if the host has none.
    make_builder : callable
        Returns a `Builder` of `ocsd.data` for the folder.
    """

    log = Logger()

    def __init__(self, folder: Path | None, make_builder: Callable[[Path], Any]) -> None:
        self._folder = folder
        self._make_builder = make_builder
        self._progress: Any = None
        self.trouble = ""

    def start(self) -> None:
        """Begin, if there is anything to do."""
        if self._folder is not None:
            threading.Thread(
                target=self._run, args=(self._folder,), name="trends", daemon=True
            ).start()

    def as_json(self) -> dict[str, Any]:
        """Return how far it is, as `GET about` answers."""
        progress = self._progress
        if progress is None:
            return {"built": 0, "waiting": 0, "folder": None}
        return {
            "built": progress.built,
            "waiting": progress.waiting,
            "folder": str(progress.folder),
        }

    def _run(self, folder: Path) -> None:
        # Not at a lower priority than this process has: a thread that holds the interpreter's lock
        # and gets no processor would hold up all others.
        time.sleep(FIRST_DELAY_S)
        builder: Any = None
        while True:
            if not folder.is_dir():
                # Nothing has been recorded yet, or the folder is being moved.
                self._tell("")
                time.sleep(FOLDER_PERIOD_S)
                continue
            try:
                builder = builder or self._make_builder(folder)
                self._progress = builder.survey()
                while self._step(builder):
                    pass
                self._tell("; ".join(builder.progress.problems[-1:]))
            except OcsdError as error:
                self._tell(str(error))  # e.g. nothing is recorded yet
            except Exception:  # noqa: BLE001 - without trends the page is slow, and works
                self.log.failure("while making trends")
            time.sleep(SURVEY_PERIOD_S)

    def _step(self, builder: Any) -> bool:
        """Make one trend; return whether more are missing."""
        begun_s = time.monotonic()
        more: bool = builder.step()
        self._progress = builder.progress
        time.sleep(max(SHORTEST_PAUSE_S, time.monotonic() - begun_s))
        return more

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self.log.warn("trends: {trouble}", trouble=trouble)
        self.trouble = trouble


def builder_of(state: Path, folder: Path) -> Any:
    """Return a builder of trends; its libraries are loaded here, for they take a second."""
    from ocsd.data.archive.archive import Archive
    from ocsd.data.archive.builder import Builder

    return Builder(Archive(folder, state, newest_only=True))
