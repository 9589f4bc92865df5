"""Carries out the steps of a roll-out on hosts."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ocsd.cli.rollout.port import HostPort, is_refusal
from ocsd.errors import OcsdError
from ocsd.rollout.arrival import Arrival, arrival, recounted
from ocsd.rollout.course import HostStep, Stage, StepEvent
from ocsd.rollout.standing import Sight, short
from ocsd.status import replies
from ocsd.status.replies import HostStatus

POLL_PERIOD_S: Final = 0.5
STEADY_S: Final = 2.0
"""Time for which an instance that was started has to run well before it has come up [s]."""

ABSENCE_LIMIT_S: Final = 15.0
"""Time for which a host that does not answer is asked again before a step [s]."""

TELL_PERIOD_S: Final = 5.0
FIRST_TOLD_S: Final = 2.0
"""Time after which it is told what a host is waiting for, and from then on how often [s]."""


class StepEnd(NamedTuple):
    """The end of a step, and the reason if it was not done."""

    event: StepEvent
    why: str = ""


@dataclass(eq=False)
class Performer:
    """Does what a course asks for; each step blocks, so it belongs in a thread of its own."""

    ports: Mapping[str, HostPort]
    sights: Mapping[str, Sight]
    """Each host as it was seen before."""
    text: str
    digest: str
    """The new site file."""
    limit_s: float
    """Time in which a host has to come up [s]."""
    say: Callable[[str, str], None]
    """Takes a host and what it is waiting for."""
    first_told_s: float = FIRST_TOLD_S
    poll_period_s: float = POLL_PERIOD_S
    over: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits any more."""
    _before: dict[str, HostStatus] = field(default_factory=dict, init=False)
    _changes: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)

    def perform(self, step: HostStep) -> StepEnd:
        """Do a step, and return how it has ended."""
        steps: Mapping[Stage, Callable[[str], None]] = {
            Stage.UPGRADES: self._upgrade,
            Stage.TAKES: self._take,
            Stage.RELOADS: self._reload,
            Stage.COMES_UP: self._await,
            Stage.GOES_BACK: self._go_back,
        }
        try:
            steps[step.stage](step.host)
        except OcsdError as error:
            refuses = step.stage not in {Stage.COMES_UP, Stage.GOES_BACK} and is_refusal(error)
            return StepEnd(StepEvent.REFUSED if refuses else StepEvent.FAILED, str(error))
        return StepEnd(StepEvent.DID)

    def effects(self, host: str) -> Mapping[str, str]:
        """Return the effects of the last reload on a host, by instance-id."""
        return self._changes.get(host, {}).get("effects") or {}

    def _upgrade(self, host: str) -> None:
        if not self.sights[host].upgrades:
            return
        before = self._answering(host)
        self.ports[host].upgrade()
        self._arrive(host, {}, before)

    def _take(self, host: str) -> None:
        try:
            self._answering(host)
        except OcsdError as error:
            raise OcsdError(str(error)) from error  # as a refusal: nothing was sent
        self.ports[host].take(self.text, self.sights[host].file_digest)

    def _reload(self, host: str) -> None:
        self._before[host] = self._answering(host)
        self._changes[host] = self.ports[host].reload()

    def _await(self, host: str) -> None:
        self._arrive(host, self.effects(host), self._before[host])

    def _go_back(self, host: str) -> None:
        port, sight = self.ports[host], self.sights[host]
        if not sight.can_go_back(self.digest):
            raise OcsdError("it ran this file before already, so there is no other to put back")
        now = self._answering(host)
        if port.file().digest == self.digest:
            back = port.put_back().digest
            if back not in {sight.file_digest, sight.used_digest}:
                self.say(host, f"the file that was put back, {short(back)}, is not the one in use")
        before = self._before.get(host)
        self._changes[host] = port.reload()
        if before is not None:
            self._arrive(host, self.effects(host), recounted(before, now))

    def _answering(self, host: str) -> HostStatus:
        """Return the status of a host, once it answers.

        The way to it may be a daemon that was upgraded just now and joins the router again.
        """
        deadline_s = time.monotonic() + min(self.limit_s, ABSENCE_LIMIT_S)
        while True:
            try:
                return replies.host_status(self.ports[host].status())
            except OcsdError as error:
                if is_refusal(error) or time.monotonic() >= deadline_s:
                    raise
            self.over.wait(self.poll_period_s)

    def _arrive(self, host: str, effects: Mapping[str, str], before: HostStatus) -> None:
        """Wait until a host has come up.

        Raises
        ------
        OcsdError
            If it does not; it says what is missing.
        """
        begun_s = time.monotonic()
        tell_at_s, deadline_s = begun_s + self.first_told_s, begun_s + self.limit_s
        while True:
            found = self._judged(host, effects, before, time.monotonic() - begun_s)
            if found.failed:
                raise OcsdError("; ".join(found.failed))
            if not found.waits:
                return
            now_s = time.monotonic()
            waits = "; ".join(found.waits)
            if now_s >= deadline_s:
                raise OcsdError(f"not up and well after {self.limit_s:g} s: {waits}")
            if now_s >= tell_at_s:
                self.say(host, f"waits for {waits}")
                tell_at_s = now_s + TELL_PERIOD_S
            self.over.wait(self.poll_period_s)

    def _judged(
        self, host: str, effects: Mapping[str, str], before: HostStatus, past_s: float
    ) -> Arrival:
        try:
            now = replies.host_status(self.ports[host].status())
        except OcsdError as error:
            return Arrival(waits=(str(error),))
        return arrival(effects, before, now, STEADY_S, past_s)
