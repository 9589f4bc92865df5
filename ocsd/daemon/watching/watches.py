"""What the daemon looks at once a second: health, memory, causes that are over, logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import psutil
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.daemon.watching.evidence import Evidence
from ocsd.daemon.watching.foreign_logs import rotate
from ocsd.site.model import Instance
from ocsd.supervisor.events import BecameHung, CauseCleared, State
from ocsd.supervisor.health import Health

LOOK_EVERY_S: Final = 1.0
HELD_UP_S: Final = 5.0
"""A daemon that did not even look for so long was stopped itself, or had no processor."""

_WAITING: Final = {State.BACKOFF, State.FAILED}
_MEBIBYTE: Final = 2**20
"""What the `M` of a site file's `memory` means."""


class Watch(Protocol):
    """Something that is looked at for each instance."""

    def look(self, instance: Instance, keeper: Keeper) -> None:
        """Look at an instance, and tell its keeper what is to be told."""


class Rounds:
    """Looks at every instance, again and again.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    watches : sequence of Watch
        What to look at.
    clock : IReactorTime
        The time.
    always : sequence of callable
        What is looked at beside the instances.
    """

    log = Logger()

    def __init__(
        self,
        fleet: Fleet,
        watches: tuple[Watch, ...],
        clock: Any,
        always: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._fleet = fleet
        self._watches = watches
        self._always = always
        self._clock = clock
        self._looked_at_s: float | None = None
        self._looking: Any = LoopingCall(self.look)
        self._looking.clock = clock

    def start(self) -> None:
        """Begin."""
        self._looking.start(LOOK_EVERY_S, now=False)

    def look(self) -> None:
        """Look at everything once."""
        self.excuse()
        if self._fleet.stopping:
            return
        for each in self._always:
            try:
                each()
            except Exception:  # noqa: BLE001 - as below
                self.log.failure("while looking after everything")
        for instance, keeper in list(self._fleet):
            for watch in self._watches:
                try:
                    watch.look(instance, keeper)
                except Exception:  # noqa: BLE001 - one look that fails must not end all others
                    self.log.failure("while looking at {name}", name=keeper.instance_id)

    def excuse(self) -> None:
        """Blame nobody for a time in which this daemon could hear nothing."""
        now_s = self._clock.seconds()
        held_up_s = 0.0 if self._looked_at_s is None else now_s - self._looked_at_s
        self._looked_at_s = now_s
        if held_up_s > HELD_UP_S:
            self.log.warn("this daemon was held up for {held_up_s:.0f} s", held_up_s=held_up_s)
            for keeper in self._fleet.everyone():
                keeper.excuse()


class HealthWatch:
    """Ends what hangs, and notes every change of health.

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

    def look(self, instance: Instance, keeper: Keeper) -> None:
        """Judge an instance."""
        self.judge(keeper)

    def judge(self, keeper: Keeper) -> None:
        """Judge an instance, or the router."""
        verdict = keeper.verdict
        if verdict.health is None:
            self._last.pop(keeper.instance_id, None)
            return
        if verdict.health is not self._last.get(keeper.instance_id, Health.OK):
            reason = f"{verdict.health}: {verdict.reason}" if verdict.reason else "ok again"
            self._chronicle.note(keeper.instance_id, "HealthChanged", reason, keeper.pid)
            self._on_change(keeper.instance_id, verdict.health, verdict.reason)
        self._last[keeper.instance_id] = verdict.health
        reason = keeper.reason_to_restart
        if reason:
            keeper.deliver(BecameHung(reason))


class MemoryWatch:
    """Ends what takes more memory than its entry allows, before the kernel ends anything else.

    Parameters
    ----------
    used_bytes : callable
        Returns the resident memory of a process [bytes]; None if it is gone.
    """

    def __init__(self, used_bytes: Callable[[int], int | None]) -> None:
        self._used_bytes = used_bytes

    def look(self, instance: Instance, keeper: Keeper) -> None:
        """Compare an instance with its limit."""
        limit = instance.limits.memory
        if limit is None or keeper.pid is None:
            return
        used = self._used_bytes(keeper.pid)
        if used is not None and used > limit:
            keeper.deliver(
                BecameHung(
                    f"memory: {used / _MEBIBYTE:.0f}M is above its limit of "
                    f"{limit / _MEBIBYTE:.0f}M"
                )
            )


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process [bytes]; None if it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


class EvidenceWatch:
    """Tries at once what waits for another try, when what it failed of is over.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    reactor : IReactorTime, IReactorTCP
        Asks devices.
    """

    def __init__(self, fleet: Fleet, reactor: Any) -> None:
        self._fleet = fleet
        self._reactor = reactor
        self._evidence: dict[str, Evidence] = {}

    def transition(self, transition: Transition) -> None:
        """Note what there is when an instance begins to wait."""
        name, state = transition.instance_id, transition.after.state
        if name == ROUTER_NAME:
            if state is State.UP:
                self._router_is_back()
            return
        self._evidence.pop(name, None)
        found = self._fleet.keeper(name)
        if state in _WAITING and found is not None:
            conditions = self._fleet.instance(name).retry_when
            code = Path(found.code) if found.code else None
            self._evidence[name] = Evidence(conditions, code, self._reactor)

    def look(self, instance: Instance, keeper: Keeper) -> None:
        """Look for what has changed."""
        evidence = self._evidence.get(keeper.instance_id)
        what = evidence.look() if evidence is not None else ""
        if what:
            keeper.deliver(CauseCleared(what))

    def _router_is_back(self) -> None:
        for _, keeper in list(self._fleet):
            if keeper.life.state is State.BACKOFF:
                keeper.deliver(CauseCleared("the router is back"))


class ForeignLogWatch:
    """Keeps the logs of programs small that know nothing of rotation, or may not do it.

    Parameters
    ----------
    log_of : callable
        Returns the log of an instance.
    """

    def __init__(self, log_of: Callable[[str], Path]) -> None:
        self._log_of = log_of

    def look(self, instance: Instance, keeper: Keeper) -> None:
        """Look at the log of an agent of the published OCS, or of another user."""
        if instance.runtime == "ocs" or instance.user is not None:
            self.rotate(keeper)

    def rotate(self, keeper: Keeper) -> None:
        """Begin the log of a program anew if it is full."""
        if keeper.pid is not None:
            rotate(self._log_of(keeper.instance_id), keeper.pid)
