"""The checks that the daemon makes once a second: health, memory, causes that are over, logs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

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
from ocsd.system.proc import usage_of

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


@dataclass(eq=False)
class Rounds:
    """Checks every instance, again and again."""

    log = Logger()

    fleet: Fleet
    watches: tuple[Watch, ...]
    """The checks of each instance."""
    clock: Clock
    always: tuple[Callable[[], None], ...] = ()
    """The checks beside those of instances."""

    def __post_init__(self) -> None:
        self._checked_at_s = float("inf")
        self._checking = repeating(self.check, self.clock)

    def start(self) -> None:
        """Begin."""
        self._checking.start(ROUND_PERIOD_S, now=False)

    def check(self) -> None:
        """Make one round."""
        self.excuse()
        if self.fleet.stopping:
            return
        for check in self.always:
            try:
                check()
            except Exception:  # noqa: BLE001 - as below
                self.log.failure("while checking the host")
        for instance, keeper in list(self.fleet):
            for watch in self.watches:
                try:
                    watch.check(instance, keeper)
                except Exception:  # noqa: BLE001 - one check that fails must not end all others
                    self.log.failure("while checking {name}", name=keeper.instance_id)

    def excuse(self) -> None:
        """Blame no instance for a time in which this daemon could receive nothing."""
        now_s = self.clock.seconds()
        held_up_s, self._checked_at_s = now_s - self._checked_at_s, now_s
        if held_up_s > HELD_UP_S:
            self.log.warn("this daemon was held up for {held_up_s:.0f} s", held_up_s=held_up_s)
            for keeper in self.fleet.everyone():
                keeper.excuse()


@dataclass(eq=False)
class HealthWatch:
    """Ends instances that hang, and records every change of health."""

    chronicle: Chronicle
    on_change: Callable[[str, Health, str], None]
    """Takes name, health and reason."""
    on_ok: Callable[[str], None] = lambda _: None
    """Takes the name of each healthy instance, in each round."""

    def __post_init__(self) -> None:
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
            self.chronicle.record(keeper.instance_id, "HealthChanged", reason, keeper.pid)
            self.on_change(keeper.instance_id, verdict.health, verdict.reason)
        self._last[keeper.instance_id] = verdict.health
        if verdict.health is Health.OK and keeper.life.state is State.UP:
            self.on_ok(keeper.instance_id)
        # Most are well, in each round.
        if verdict.layer is not None and (reason := keeper.reason_to_restart):
            keeper.deliver(BecameHung(reason))


@dataclass(eq=False)
class MemoryWatch:
    """Ends instances that exceed their memory limit, before the kernel ends another process."""

    used_bytes: Callable[[int], int | None]
    """Returns the resident memory of a process [bytes]; None if it is gone."""

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Compare an instance with its limit."""
        limit = instance.limits.memory
        if limit is None or keeper.pid is None:
            return
        used = self.used_bytes(keeper.pid)
        if used is not None and used > limit:
            sizes = f"{used / _MEBIBYTE:.0f}M is above its limit of {limit / _MEBIBYTE:.0f}M"
            keeper.deliver(BecameHung(f"memory: {sizes}"))


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process [bytes]; None if it is gone."""
    usage = usage_of(pid)
    return None if usage is None else usage.rss_bytes


@dataclass(eq=False)
class EvidenceWatch:
    """Retries an instance early, when the cause of its failure is over."""

    fleet: Fleet
    reactor: Any
    """Connects to devices (IReactorTime, IReactorTCP)."""

    def __post_init__(self) -> None:
        self._evidence: dict[str, Evidence] = {}

    def transition(self, transition: Transition) -> None:
        """Take stock when an instance begins to wait."""
        name, state = transition.instance_id, transition.after.state
        if name == ROUTER_NAME:
            if state is State.UP:
                self._router_is_back()
            return
        self._evidence.pop(name, None)
        keeper = self.fleet.keeper(name)
        if state in _WAITING and keeper is not None:
            conditions = self.fleet.instance(name).retry_when
            self._evidence[name] = Evidence(conditions, keeper.code, self.reactor)

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Retry an instance if a cause is over."""
        evidence = self._evidence.get(keeper.instance_id)
        if evidence is not None and (change := evidence.check()):
            keeper.deliver(CauseCleared(change))

    def _router_is_back(self) -> None:
        for _, keeper in list(self.fleet):
            if keeper.life.state is State.BACKOFF:
                keeper.deliver(CauseCleared("the router is back"))


@dataclass(eq=False)
class ForeignLogWatch:
    """Keeps the logs of programs small that cannot rotate them, or may not."""

    log_of: Callable[[str], Path]
    """Returns the log of an instance."""

    def check(self, instance: Instance, keeper: Keeper) -> None:
        """Rotate the log of an agent of the published OCS, or of another user."""
        if instance.runtime == "ocs" or instance.user is not None:
            self.rotate(keeper)

    def rotate(self, keeper: Keeper) -> None:
        """Rotate the log of a program if it is full."""
        if keeper.pid is not None:
            rotate(self.log_of(keeper.instance_id), keeper.pid)
