"""Keeps the examinations: a folder for each, and a line in the history."""

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
    """An examination that is not complete: the process is still being ended by force."""

    examination: Examination
    reason: str
    hangs: bool


@dataclass(eq=False)
class Examiner:
    """Examines processes before they are ended by force."""

    log = Logger()

    folder: Path
    """The folder for all examinations."""
    log_of: Callable[[str], Path]
    """Returns the log of an instance."""
    chronicle: Chronicle
    """Gets a line for each examination."""

    def __post_init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def examine(self, keeper: Keeper, reason: str) -> None:
        """Record the present state of an instance's process, and why it will be ended.

        Its stacks come later, when it has ended.
        """
        if keeper.pid is None:
            return
        facts = {
            "reason": reason,
            "silent_s": keeper.silent_s,
            "last_words": keeper.report.text,
            "operations": keeper.operations,
        }
        log = self.log_of(keeper.instance_id)
        # The stack explains only a hang; not a memory limit, a silent feed or a process that
        # is stopped from outside.
        silent = keeper.silent_s is None or keeper.silent_s > REACTOR_SILENCE_LIMIT_S
        hangs = silent and not keeper.held
        try:
            examination = Examination(
                self.folder, keeper.instance_id, keeper.pid, log, facts, time.time, keeper.code
            )
            self._open[keeper.instance_id] = _Open(examination, reason, hangs)
        except OSError as error:
            # Supervision goes on when the disk is full.
            self.log.error("cannot examine {name}: {error}", name=keeper.instance_id, error=error)

    def transition(self, transition: Transition) -> None:
        """Complete the examination of a process that has ended."""
        if not isinstance(transition.event, Exited):
            return
        case = self._open.pop(transition.instance_id, None)
        if case is None:
            return
        examination = case.examination
        try:
            examination.finish()
        except OSError as error:
            self.log.error("{path} is not complete: {error}", path=examination.path, error=error)
        facts = [case.reason]
        if case.hangs:
            facts.append(examination.where())
        facts += [examination.shortage, f"see {examination.path}"]
        text = "; ".join(filter(None, facts))
        self.chronicle.record(transition.instance_id, EXAMINED, text, transition.pid)
