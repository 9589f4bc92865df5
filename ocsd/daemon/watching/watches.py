"""The checks that the daemon makes once a second: health, memory, causes that are over, logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import psutil
from twisted.logger import Logger

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.daemon.watching.evidence import Evidence
from ocsd.daemon.watching.foreign_logs import rotate
from ocsd.reactor.repeating import repeating
from ocsd.site.model import Instance
from ocsd.supervisor.events import BecameHung, CauseCleared, State
from ocsd.supervisor.health import Health

ROUND_PERIOD_S: Final = 1.0
HELD_UP_S: Final = 5.0
"""A daemon that made no round for this long was stopped itself, or had no processor."""

_WAITING: Final = {State.BACKOFF, State.FAILED}
_MEBIBYTE: Final = 2**20
"""The unit `M` of `memory` in a site file [bytes]."""


class Watch(Protocol):
    """A check of each instance."""

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Check an instance, and report to its keeper."""


class Rounds:
    """Checks every instance, again and again.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    watches : sequence of Watch
        The checks of each instance.
    clock : Clock
        The time.
    always : sequence of callable
        The checks beside those of instances.
    """

    log = Logger()

    def __init__(
        self,
        fleet: Fleet,
        watches: tuple[Watch, ...],
        clock: Clock,
        always: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._fleet = fleet
        self._watches = watches
        self._always = always
        self._clock = clock
        self._checked_at_s = float("inf")
        self._checking = repeating(self.check, clock)

    def start(self) -> None:
        """Begin."""
        self._checking.start(ROUND_PERIOD_S, now=False)

    def check(self) -> None:
        """Make one round."""
        self.excuse()
        if self._fleet.stopping:
            return
        for check in self._always:
            try:
                check()
            except Exception:  # noqa: BLE001 - as below
                self.log.failure("while checking the host")
        for instance, keeper in list(self._fleet):
            for watch in self._watches:
                try:
                    watch.check(instance, keeper)
                except Exception:  # noqa: BLE001 - one check that fails must not end all others
                    self.log.failure("while checking {name}", name=keeper.instance_id)

    def excuse(self) -> None:
        """Blame no instance for a time in which this daemon could receive nothing."""
        now_s = self._clock.seconds()
        held_up_s, self._checked_at_s = now_s - self._checked_at_s, now_s
        if held_up_s > HELD_UP_S:
            self.log.warn("this daemon was held up for {held_up_s:.0f} s", held_up_s=held_up_s)
            for keeper in self._fleet.everyone():
                keeper.excuse()


class HealthWatch:
    """Ends instances that hang, and records every change of health.

    Parameters
    ----------
    chronicle : Chronicle
        Gets the changes.
    on_change : callable
        Takes name, health and reason.
    """

    def __init__(self, chronicle: Chronicle, on_change: Callable[[str, Health, str], None]) -> None:
        self._chronicle = chronicle
        self._on_change = on_change
        self._last: dict[str, Health] = {}

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Judge an instance."""
        self.judge(keeper)

    def judge(self, keeper: Keeper) -> None:
        """Judge an instance, or the router."""
        verdict = keeper.verdict
        if verdict.health is None:
            self._last.pop(keeper.instance_id, None)
            return
        if verdict.health is not self._last.get(keeper.instance_id, Health.OK):
            reason = "ok again"
            if verdict.reason:
                reason = f"{verdict.health}: {verdict.reason}"
            self._chronicle.record(keeper.instance_id, "HealthChanged", reason, keeper.pid)
            self._on_change(keeper.instance_id, verdict.health, verdict.reason)
        self._last[keeper.instance_id] = verdict.health
        reason = keeper.reason_to_restart
        if reason:
            keeper.deliver(BecameHung(reason))


class MemoryWatch:
    """Ends instances that exceed their memory limit, before the kernel ends another process.

    Parameters
    ----------
    used_bytes : callable
        Returns the resident memory of a process [bytes]; None if it is gone.
    """

    def __init__(self, used_bytes: Callable[[int], int | None]) -> None:
        self._used_bytes = used_bytes

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Compare an instance with its limit."""
        limit = instance.limits.memory
        if limit is None or keeper.pid is None:
            return
        used = self._used_bytes(keeper.pid)
        if used is not None and used > limit:
            sizes = f"{used / _MEBIBYTE:.0f}M is above its limit of {limit / _MEBIBYTE:.0f}M"
            keeper.deliver(BecameHung(f"memory: {sizes}"))


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process [bytes]; None if it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


class EvidenceWatch:
    """Retries an instance early, when the cause of its failure is over.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    reactor : IReactorTime, IReactorTCP
        Connects to devices.
    """

    def __init__(self, fleet: Fleet, reactor: Any) -> None:
        self._fleet = fleet
        self._reactor = reactor
        self._evidence: dict[str, Evidence] = {}

    def transition(self, transition: Transition) -> None:
        """Take stock when an instance begins to wait."""
        name, state = transition.instance_id, transition.after.state
        if name == ROUTER_NAME:
            if state is State.UP:
                self._router_is_back()
            return
        self._evidence.pop(name, None)
        keeper = self._fleet.keeper(name)
        if state in _WAITING and keeper is not None:
            conditions = self._fleet.instance(name).retry_when
            self._evidence[name] = Evidence(conditions, keeper.code, self._reactor)

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Retry an instance if a cause is over."""
        evidence = self._evidence.get(keeper.instance_id)
        if evidence is not None and (change := evidence.check()):
            keeper.deliver(CauseCleared(change))

    def _router_is_back(self) -> None:
        for _, keeper in list(self._fleet):
            if keeper.life.state is State.BACKOFF:
                keeper.deliver(CauseCleared("the router is back"))


class ForeignLogWatch:
    """Keeps the logs of programs small that cannot rotate them, or may not.

    Parameters
    ----------
    log_of : callable
        Returns the log of an instance.
    """

    def __init__(self, log_of: Callable[[str], Path]) -> None:
        self._log_of = log_of

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Rotate the log of an agent of the published OCS, or of another user."""
        if instance.runtime == "ocs" or instance.user is not None:
            self.rotate(keeper)

    def rotate(self, keeper: Keeper) -> None:
        """Rotate the log of a program if it is full."""
        if keeper.pid is not None:
            rotate(self._log_of(keeper.instance_id), keeper.pid)
