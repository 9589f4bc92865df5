"""Everything that looks on and keeps records: journal, incidents, hangs, hooks, watches."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from ocsd import __version__
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.planning.settings import Settings
from ocsd.daemon.watching.chronicle import DAEMON, Chronicle
from ocsd.daemon.watching.examiner import Examiner
from ocsd.daemon.watching.hooks import Hooks, ProcessHooks
from ocsd.daemon.watching.incidents import Incidents
from ocsd.daemon.watching.left_spools import LeftSpools
from ocsd.daemon.watching.watches import (
    EvidenceWatch,
    ForeignLogWatch,
    HealthWatch,
    MemoryWatch,
    Rounds,
    Watch,
    resident_bytes,
)
from ocsd.history.file import HistoryFile
from ocsd.site.difference import Difference
from ocsd.supervisor.health import Health

_HOOKED = {Health.DEGRADED: "on-degraded", Health.HUNG: "on-hung"}


class Oversight:
    """Looks on while the daemon works.

    Parameters
    ----------
    settings : Settings
        The site, and where things are kept.
    fleet : Fleet
        The instances.
    reactor : the Twisted reactor
        Time and descriptors.
    more : tuple of Watch
        What else to look at.
    always : tuple of callable
        What else to do whenever all is looked at.

    Attributes
    ----------
    chronicle : Chronicle
        Writes the journal.
    examiner : Examiner
        Puts hung processes on record.
    incidents : Incidents
        Tells failures of one cause from others.
    """

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        reactor: Any,
        more: tuple[Watch, ...] = (),
        always: tuple[Callable[[], None], ...] = (),
    ) -> None:
        paths = settings.paths
        self._host = settings.plan.host
        self._fleet = fleet
        self._reactor = reactor
        self._hooks = Hooks(settings.plan.host.hooks, ProcessHooks(reactor), reactor)
        self.chronicle = Chronicle(HistoryFile(paths.journal))
        self.examiner = Examiner(paths.incidents, paths.instance_log, self.chronicle)
        self.incidents = Incidents(reactor, self._running, self.chronicle, self._incident)
        health = HealthWatch(self.chronicle, self._health)
        evidence = EvidenceWatch(fleet, reactor)
        self._logs = ForeignLogWatch(paths.instance_log)
        watches: tuple[Watch, ...] = (
            health,
            MemoryWatch(resident_bytes),
            evidence,
            self._logs,
            *more,
        )
        always = (partial(self._router, health), self.chronicle.catch_up, *always)
        self._left_spools = LeftSpools(paths.spools, self._names, reactor)
        self._rounds = Rounds(fleet, watches, reactor, always)
        for observer in (
            self.chronicle.transition,
            self.examiner.transition,
            self.incidents.transition,
            evidence.transition,
            self._transition,
        ):
            fleet.observe(observer)

    def start(self) -> None:
        """Begin."""
        self.chronicle.note(DAEMON, "DaemonStarted", f"ocsd {__version__}", os.getpid())
        self._rounds.start()
        self._left_spools.start()

    def excuse(self) -> None:
        """Before anybody is judged: blame nobody while this daemon could hear nothing."""
        self._rounds.excuse()

    def reloaded(self, settings: Settings, changed: Difference, by: str) -> None:
        """Use the hooks of another version of the site file, and put on record what changes.

        Parameters
        ----------
        settings : Settings
            By that version.
        changed : Difference
            From the one before.
        by : str
            Who asked.
        """
        self._host = settings.plan.host
        self._hooks.commands = settings.plan.host.hooks
        reason = f"{changed}; asked for by {by}"
        self.chronicle.note(DAEMON, "Reloaded", reason, os.getpid())

    def note(self, text: str) -> None:
        """Put on record what happened to the daemon's own files."""
        self.chronicle.note(DAEMON, "FilesLost", text, os.getpid())

    def stopped(self) -> None:
        """Put on record that the daemon ends as it was asked to."""
        self.chronicle.note(DAEMON, "DaemonStopped", "as asked", os.getpid())

    def _router(self, health: HealthWatch) -> None:
        if self._fleet.router is not None:
            self._logs.rotate(self._fleet.router)
            health.judge(self._fleet.router)

    def _names(self) -> set[str]:
        """Return the instances that the site file lists, or that are still there."""
        listed = {each.instance_id for each in self._host.instances}
        return listed | {keeper.name for keeper in self._fleet.everyone()}

    def _running(self) -> int:
        return sum(keeper.life.has_process for keeper in self._fleet.everyone())

    def _transition(self, transition: Transition) -> None:
        before, after = transition.before, transition.after
        if before.state is after.state:
            return
        facts = {
            "at": transition.at,
            "before": str(before.state),
            "after": str(after.state),
            "target": str(after.target),
            "reason": after.reason,
            "pid": transition.pid,
            "restarts": after.restarts,
        }
        self._hooks.fire(f"on-{after.state}", transition.name, facts)

    def _health(self, name: str, health: Health, reason: str) -> None:
        if health in _HOOKED:
            self._hooks.fire(_HOOKED[health], name, {"health": str(health), "reason": reason})

    def _incident(self, names: tuple[str, ...]) -> None:
        self._hooks.fire("on-incident", DAEMON, {"names": list(names)})
