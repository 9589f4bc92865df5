"""Keeps the record of ends by force: a folder for each, and a line in the journal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twisted.logger import Logger

from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.watching.chronicle import EXAMINED, Chronicle
from ocsd.daemon.watching.forensics import Examination
from ocsd.supervisor.events import Exited
from ocsd.supervisor.health import REACTOR_SILENCE_LIMIT_S


@dataclass(frozen=True, slots=True)
class _Open:
    """A process that is being ended by force."""

    incident: Examination
    reason: str
    hangs: bool


class Examiner:
    """Examines processes before they are ended by force.

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
        self._open: dict[str, _Open] = {}

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
        log = self._log_of(keeper.instance_id)
        # Where one is that grew too big, whose feeds are silent, or that somebody holds,
        # tells nothing.
        silent = keeper.silent_s is None or keeper.silent_s > REACTOR_SILENCE_LIMIT_S
        hangs = silent and not keeper.held
        try:
            incident = Examination(
                self._folder, keeper.instance_id, keeper.pid, log, facts, time.time, keeper.code
            )
            self._open[keeper.instance_id] = _Open(incident, reason, hangs)
        except OSError as error:
            # Supervision goes on when the disk is full.
            self.log.error(
                "{name} cannot be put on record: {error}", name=keeper.instance_id, error=error
            )

    def transition(self, transition: Transition) -> None:
        """Complete the record of a process that has ended."""
        if not isinstance(transition.event, Exited):
            return
        found = self._open.pop(transition.instance_id, None)
        if found is None:
            return
        incident = found.incident
        try:
            incident.finish()
        except OSError as error:
            self.log.error("{path} is not complete: {error}", path=incident.path, error=error)
        where = incident.where() if found.hangs else ""
        known = filter(None, (found.reason, where, incident.shortage, f"see {incident.path}"))
        text = "; ".join(known)
        self._chronicle.note(transition.instance_id, EXAMINED, text, transition.pid)
