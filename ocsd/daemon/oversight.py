"""Builds the observers of the instances: history, incidents, examinations, hooks, watches."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from ocsd import __version__
from ocsd.audit.entry import AuditOutcome
from ocsd.audit.journal import AuditJournal
from ocsd.bus.caller import user_name
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.planning.settings import Settings
from ocsd.daemon.watching.auditing import Audit
from ocsd.daemon.watching.chronicle import DAEMON, Chronicle
from ocsd.daemon.watching.disks import Disks
from ocsd.daemon.watching.examiner import Examiner
from ocsd.daemon.watching.hook_trial import facts_of_trial
from ocsd.daemon.watching.hooks import Hooks, ProcessHook
from ocsd.daemon.watching.incidents import Incidents
from ocsd.daemon.watching.left_spools import LeftSpools
from ocsd.daemon.watching.requests import ClientRequests
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
from ocsd.site.recording import AGGREGATOR_CLASS, data_folder
from ocsd.supervisor.events import State
from ocsd.supervisor.health import Health
from ocsd.system.runs import OperationRequest
from ocsd.text.logins import without_logins
from ocsd.text.reason import clause

_UNWELL = {State.BACKOFF, State.FAILED}
_HOOKED = {Health.DEGRADED: "on-degraded", Health.HUNG: "on-hung"}


class Oversight:
    """Observes the instances while the daemon works.

    Parameters
    ----------
    more : tuple of Watch
        Further checks of each instance.
    always : tuple of callable
        Further calls of each round.
    """

    log = Logger()

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        reactor: Any,
        more: tuple[Watch, ...] = (),
        always: tuple[Callable[[], None], ...] = (),
    ) -> None:
        paths = settings.paths
        self._settings = settings
        self._host = settings.plan.host
        self._fleet = fleet
        self._reactor = reactor
        # Instances that are not well, and the occasion of which that was told.
        self._unwell: dict[str, str] = {}
        self._hooks = Hooks(settings.plan.host.hooks, partial(ProcessHook, reactor), reactor)
        self.chronicle = Chronicle(HistoryFile(paths.journal))
        self.audit = Audit(AuditJournal(paths.audit), reactor)
        self._requests = ClientRequests(self.chronicle, reactor)
        self.examiner = Examiner(paths.incidents, paths.instance_log, self.chronicle)
        self.incidents = Incidents(reactor, self._running, self.chronicle, self._incident)
        health = HealthWatch(self.chronicle, self._health, self._recovered)
        evidence = EvidenceWatch(fleet, reactor)
        self._logs = ForeignLogWatch(paths.instance_log)
        watches: tuple[Watch, ...] = (
            health,
            MemoryWatch(resident_bytes),
            evidence,
            self._logs,
            *more,
        )
        self.disks = Disks(lambda: _places(self._settings), self._disk_fills)
        always = (
            partial(self._router, health),
            self.chronicle.catch_up,
            self.audit.catch_up,
            fleet.targets.catch_up,
            self.disks.round,
            *always,
        )
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
        self.chronicle.record(DAEMON, "DaemonStarted", f"ocsd {__version__}", os.getpid())
        address = f"this machine, uid {os.geteuid()}, pid {os.getpid()}"
        self.audit.change("daemon started", person=user_name(), address=address)
        self._rounds.start()
        self._left_spools.start()
        self.disks.start()

    def record_requests(
        self, instance_id: str, pid: int | None, requests: Sequence[OperationRequest]
    ) -> None:
        """Record the requests of clients that an agent has reported: history and audit."""
        done = [each for each in requests if each.outcome == AuditOutcome.DONE]
        self._requests.record(instance_id, pid, done)
        self.audit.operations(instance_id, requests)

    def excuse(self) -> None:
        """Blame no instance for a time in which this daemon could receive nothing."""
        self._rounds.excuse()

    def watch(self, watch: Watch) -> None:
        """Make one more check of each instance, in each round."""
        self._rounds.watches = (*self._rounds.watches, watch)

    def apply_reload(self, settings: Settings, changed: Difference, by: str) -> None:
        """Use the hooks of another version of the site file, and record the changes."""
        self._settings = settings
        self._host = settings.plan.host
        self._hooks.commands = settings.plan.host.hooks
        self.chronicle.record(DAEMON, "Reloaded", str(changed), os.getpid(), by)

    def record_upgrade(self, text: str, by: str) -> None:
        """Record that `by` has asked for an upgrade, and what came of it."""
        self.chronicle.record(DAEMON, "UpgradeRequested", text, os.getpid(), by)

    @property
    def hooks(self) -> Mapping[str, Sequence[str]]:
        """The words of each hook, by occasion."""
        return self._hooks.commands

    def try_hook(
        self, occasion: str, name: str | None, by: str, on_end: Callable[[dict[str, Any]], None]
    ) -> None:
        """Run a hook, because `by` asks for that, as if it had happened to instance `name`.

        By default that is the first of the host. `on_end` takes what came of it.

        Raises
        ------
        UsageError, NoSuchInstanceError
            If there is no such hook, or no such instance.
        """
        if name is not None and name != DAEMON:
            self._fleet.check((name,))
        chosen = name or next(iter(self._fleet.listed), DAEMON)
        facts = partial(facts_of_trial, occasion, chosen, by)
        # As it is now: a reload may take the hook away before it ends.
        command = list(self.hooks.get(occasion, ()))
        head = {"occasion": occasion, "instance_id": chosen, "command": command}

        def ended(failure: str, printed: str) -> None:
            on_end({**head, "failure": failure, "printed": printed})

        self._hooks.try_out(occasion, chosen, lambda: {**self._common(chosen), **facts()}, ended)
        self.chronicle.record(DAEMON, "HookTried", f"{occasion} of {chosen}", os.getpid(), by)

    def _disk_fills(self, text: str) -> None:
        self.log.warn("{text}", text=text)
        self.chronicle.record(DAEMON, "DiskFills", text, os.getpid())

    def record_lost_files(self, text: str) -> None:
        """Record the loss of the daemon's own files."""
        self.chronicle.record(DAEMON, "FilesLost", text, os.getpid())

    def record_stop(self, by: str) -> None:
        """Record that the daemon ends as `by` has asked it to."""
        reason = f"as asked{clause(' by ', by)}"
        self.chronicle.record(DAEMON, "DaemonStopped", reason, os.getpid(), by)
        self.audit.change("daemon stopped", reason=reason)

    def _router(self, health: HealthWatch) -> None:
        if self._fleet.router is not None:
            self._logs.rotate(self._fleet.router)
            health.judge(self._fleet.router)

    def _names(self) -> set[str]:
        """Return the instances that the site file lists, or that are still there."""
        listed = {instance.instance_id for instance in self._host.instances}
        return listed | {keeper.instance_id for keeper in self._fleet.everyone()}

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
        if after.state in _UNWELL:
            self._unwell[transition.instance_id] = f"on-{after.state}"
        elif after.state is State.DOWN:
            self._unwell.pop(transition.instance_id, None)
        self._fire(f"on-{after.state}", transition.instance_id, facts)

    def _health(self, instance_id: str, health: Health, reason: str) -> None:
        if health in _HOOKED:
            self._unwell[instance_id] = _HOOKED[health]
            self._fire(_HOOKED[health], instance_id, {"health": str(health), "reason": reason})

    def _recovered(self, instance_id: str) -> None:
        """Tell that an instance is well again, as soon as the hook may run."""
        after = self._unwell.get(instance_id)
        if after is None or not self._hooks.is_due("on-ok", instance_id):
            return
        if self._fire("on-ok", instance_id, {"health": str(Health.OK), "after": after}):
            del self._unwell[instance_id]

    def _incident(self, names: tuple[str, ...]) -> None:
        self._fire("on-incident", DAEMON, {"names": list(names)})

    def _fire(self, occasion: str, instance_id: str, facts: Mapping[str, Any]) -> bool:
        """Run a hook with the facts that each one gets; return whether it was not left out."""
        told = {**self._common(instance_id), **facts}
        if told.get("reason"):
            told["reason"] = without_logins(told["reason"])
        return self._hooks.fire(occasion, instance_id, told)

    def _common(self, instance_id: str) -> dict[str, Any]:
        """Return the facts that each hook gets."""
        agent_class = ""
        with contextlib.suppress(KeyError):
            agent_class = self._fleet.instance(instance_id).agent_class
        return {
            "host": self._host.name,
            "at": self.chronicle.wall_clock(),
            "agent_class": agent_class,
            "log_path": str(self._settings.paths.instance_log(instance_id)),
        }


def _places(settings: Settings) -> dict[str, Path]:
    """Return the folders that must not become full."""
    paths = settings.paths
    places = {"state": paths.state, "logs": paths.logs, "runtime": paths.runtime}
    for each in settings.plan.instances:
        if each.agent_class == AGGREGATOR_CLASS:
            places["data"] = data_folder(each.arguments, paths.state)
    return places
