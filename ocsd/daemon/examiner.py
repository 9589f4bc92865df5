"""Keeps the record of hangs: a folder for each, and a line in the journal."""

from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

from ocsd.daemon.chronicle import EXAMINED, Chronicle
from ocsd.daemon.forensics import Incident
from ocsd.daemon.keeper import Keeper, Transition
from ocsd.supervisor.events import Exited


class Examiner:
    """Examines hung processes.

    Parameters
    ----------
    folder : Path
        Where the folders go.
    log_of : callable
        Returns the log of an instance.
    chronicle : Chronicle
        Gets a line for each.
    """

    log = Logger()

    def __init__(self, folder: Path, log_of: Callable[[str], Path], chronicle: Chronicle) -> None:
        self._folder = folder
        self._log_of = log_of
        self._chronicle = chronicle
        self._open: dict[str, Incident] = {}

    def examine(self, keeper: Keeper, reason: str) -> None:
        """Put on record what an instance's process does now; its stacks come later.

        Parameters
        ----------
        keeper : Keeper
            The instance's.
        reason : str
            Why it will be ended.
        """
        if keeper.pid is None:
            return
        facts = {
            "reason": reason,
            "silent_s": keeper.silent_s,
            "last_words": keeper.report.text,
            "operations": keeper.operations,
        }
        log = self._log_of(keeper.name)
        try:
            self._open[keeper.name] = Incident(self._folder, keeper.name, keeper.pid, log, facts)
        except OSError as error:
            # Supervision goes on when the disk is full.
            self.log.error("{name} cannot be put on record: {error}", name=keeper.name, error=error)

    def transition(self, transition: Transition) -> None:
        """Complete the record of a process that has ended."""
        if not isinstance(transition.event, Exited):
            return
        incident = self._open.pop(transition.name, None)
        if incident is None:
            return
        try:
            incident.finish()
        except OSError as error:
            self.log.error("{path} is not complete: {error}", path=incident.path, error=error)
        where = f"{incident.path}: {incident.summary()}"
        self._chronicle.note(transition.name, EXAMINED, where, transition.pid)
