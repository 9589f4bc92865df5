"""The file in which grants and tokens outlive the director."""

import json
from pathlib import Path
from typing import Any, Final

from ocsd.access import private_files
from ocsd.director.state import DirectorState, state_of
from ocsd.errors import OcsdError

STATE_FILE: Final = ".access/director.json"
"""The file, in the director's own folder."""


class StateFile:
    """The file in a folder; without a folder the state is kept in memory only."""

    def __init__(self, folder: Path | None, log: Any) -> None:
        self._path = folder and folder / STATE_FILE
        self._log = log

    def read(self) -> DirectorState:
        """Return the state of an earlier life; a new one if there is none that can be trusted."""
        if self._path is None or not self._path.exists():
            return DirectorState()
        try:
            return state_of(json.loads(private_files.read(self._path)))
        except (OcsdError, ValueError, TypeError, KeyError, AttributeError) as error:
            text = "grants and tokens of before are lost, because {file} cannot be used: {why}"
            self._log.error(text, file=self._path, why=error)
            return DirectorState()

    def write(self, state: DirectorState) -> None:
        """Keep a state; a fault is logged."""
        if self._path is None:
            return
        try:
            private_files.make_folder(self._path.parent)
            private_files.write(self._path, json.dumps(state.as_json()).encode())
        except (OcsdError, OSError) as error:
            self._log.error("grants and tokens will not outlive this process: {why}", why=error)
