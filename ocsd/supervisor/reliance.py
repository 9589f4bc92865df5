"""The rule by which a supervisor takes heartbeats for signs of life of its agents."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

OVERDUE_S: Final = 4.0
"""Time without a sign of life after which one was missed [s]; with what agents need to notice that
signs are wanted again, it is well below the silence that makes a hang."""

ALL_HEARD_S: Final = 10.0
"""Time for which all heartbeats have to be heard before agents may leave out the rest [s]."""


class Heard(NamedTuple):
    """The latest that was heard of an agent that is up [s, monotonic]."""

    report_s: float
    """The report, or the heartbeat that was taken for one."""
    heartbeat_s: float
    """The heartbeat; -inf if none was heard."""


@dataclass(frozen=True, slots=True)
class Reliance:
    """Whether a supervisor relies on the heartbeats of its agents, which then report changes only.

    As soon as nothing is heard of one of them, all report that they live. So a router or a registry
    that fails is told from agents that do.
    """

    is_on: bool = False
    missed_at_s: float = -inf
    """When a heartbeat was missing last [s, monotonic]."""

    def after(self, agents: Sequence[Heard], now_s: float) -> "Reliance":
        """Return the reliance that follows from what was heard until `now_s` [s, monotonic]."""
        missed = [each for each in agents if now_s - each.heartbeat_s > OVERDUE_S]
        if self.is_on:
            # An agent that does not send any, or not yet, reports that it lives.
            silent = [each for each in missed if now_s - each.report_s > OVERDUE_S]
            return Reliance(False, now_s) if silent else self
        if missed or not agents:
            return Reliance(False, now_s)
        return Reliance(now_s - self.missed_at_s >= ALL_HEARD_S, self.missed_at_s)
