"""The requests of clients to the operations of agents, for the history."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.system.runs import OperationRequest
from ocsd.text.plural import plural

PAUSE_S: Final = 60.0
"""Time in which a client's starts of one operation are one entry [s].

A program that starts a task every second would push everything else out of the history.
"""

EVENTS: Final = {
    "start": "OperationStart",
    "stop": "OperationStop",
    "abort": "OperationAbort",
}
"""The events of the history, by action."""


@dataclass(eq=False)
class ClientRequests:
    """Writes down who asked the agents of a host for what."""

    chronicle: Chronicle
    clock: Clock

    _started_s: dict[tuple[str, str, str], float] = field(default_factory=dict, init=False)
    _left_out: dict[tuple[str, str, str], int] = field(default_factory=dict, init=False)

    def record(
        self, instance_id: str, pid: int | None, requests: Iterable[OperationRequest]
    ) -> None:
        """Write down the requests that an agent has reported."""
        for each in requests:
            event = EVENTS.get(each.action)
            if event is None:
                continue
            key = (instance_id, each.operation, each.by)
            if each.action == "start" and self._is_too_soon(key):
                self._left_out[key] = self._left_out.get(key, 0) + 1
                continue
            reason = each.operation
            if left_out := self._left_out.pop(key, 0):
                reason += f", after {plural(left_out, 'more start')}"
            self.chronicle.record(instance_id, event, reason, pid, each.by, each.at)

    def _is_too_soon(self, key: tuple[str, str, str]) -> bool:
        """Return whether a start was written down just before; forget those that are older."""
        now_s = self.clock.seconds()
        fresh = {each: at_s for each, at_s in self._started_s.items() if now_s - at_s < PAUSE_S}
        self._started_s = {key: now_s, **fresh}
        return key in fresh
