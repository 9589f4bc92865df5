"""Availability and restarts of each instance, counted from the entries of the history."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from ocsd.supervisor.states import State, Target

START_ALLOWANCE_S: Final = 60.0
"""Part of a start or restart that was asked for that does not count as unavailable [s]."""

SHORTEST_ABSENCE_S: Final = 0.001
"""Time that counts as an absence [s]."""

_FAILING: Final = frozenset({State.BACKOFF, State.FAILED})
_ON_THE_WAY: Final = frozenset({State.STARTING, State.STOPPING})
"""States that a start or restart passes through."""


OPERATION_EVENTS: Final = {
    "start": "OperationStart",
    "stop": "OperationStop",
    "abort": "OperationAbort",
}
"""The events of requests of clients to an agent's operations, by action."""


class HistoryEntry(NamedTuple):
    """One line of the history: an event of an instance, or of the daemon."""

    at: float
    """Time of the event [s, Unix time]."""
    name: str
    """The instance-id; ``ocsd`` for the daemon."""
    event: str
    """Kind of event, e.g. ``Exited``."""
    before: str = ""
    after: str = ""
    """The states around it; equal if it changed no state, empty if it has none."""
    target: str = ""
    """The instance's target, ``up`` or ``down``."""
    reason: str = ""
    """The reason in words."""
    pid: int | None = None
    """The process of the instance."""
    code: int | None = None
    signal: int | None = None
    """Exit code or signal of a process that ended."""
    by: str = ""
    """The user that asked for it; empty if no user did."""

    @property
    def is_unasked_end(self) -> bool:
        """Whether a process ended that was not being stopped."""
        return self.event == "Exited" and self.before != State.STOPPING


class Summary(NamedTuple):
    """Availability of one instance in a span of time."""

    wanted_s: float
    up_s: float
    """Time in which it was wanted, and in which it was up meanwhile [s]."""
    ends: int
    """Number of ends although it was wanted."""
    restarts: int
    """Number of restarts, asked or not."""
    last_end: HistoryEntry | None
    """Its last end although it was wanted."""
    starting_s: float = 0.0
    """Wanted time in starts and restarts that were asked for, at most a minute of each [s]."""

    @property
    def availability(self) -> float | None:
        """The part of the wanted time in which it was up, 0 to 1; None if never wanted.

        Starts that were asked for do not count (`starting_s`).
        """
        counted_s = self.wanted_s - self.starting_s
        if counted_s <= 0:
            return None
        return self.up_s / counted_s

    @property
    def is_flawless(self) -> bool:
        """Whether it was up whenever it was wanted, and never ended unasked."""
        # Sums of times differ in their last digits.
        missing_s = self.wanted_s - self.starting_s - self.up_s
        return not self.ends and missing_s < SHORTEST_ABSENCE_S

    def to_json(self) -> dict[str, Any]:
        """Return the fields and the availability by name."""
        last_end = self.last_end and self.last_end._asdict()
        return {**self._asdict(), "last_end": last_end, "availability": self.availability}


def summaries(entries: Iterable[HistoryEntry], from_at: float, to_at: float) -> dict[str, Summary]:
    """Return the availability of each instance in a span of Unix time [s], by instance-id.

    The entries are in the order in which they were written, also if the clock was set back
    meanwhile; those before `from_at` show the state at that time.
    While no daemon ran, an instance counts as being in the state in which the last daemon left it.
    """
    by_id: dict[str, list[HistoryEntry]] = {}
    for entry in in_order_of_time(entries):
        # An end while no daemon ran has no state.
        if (entry.after or entry.event == "Exited") and entry.at <= to_at:
            by_id.setdefault(entry.name, []).append(entry)
    return {
        instance_id: _summary(history, from_at, to_at)
        for instance_id, history in by_id.items()
        if any(entry.after for entry in history)
    }


def in_order_of_time(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """Return the entries, those of states and of health with times that never decrease.

    An entry that was written before the clock was set back has the time of the entry after it.
    Others, as of alarms, requests and missed ends, may have been written long after their time:
    they say nothing of the clock.
    """
    ordered: list[HistoryEntry] = []
    at = math.inf
    for entry in reversed(list(entries)):
        if entry.at > at:
            entry = entry._replace(at=at)
        if entry.after or entry.event == "HealthChanged":
            at = entry.at
        ordered.append(entry)
    ordered.reverse()
    return ordered


def _summary(history: Sequence[HistoryEntry], from_at: float, to_at: float) -> Summary:
    changes = [entry for entry in history if entry.after]
    spans = list(_wanted_spans(changes, from_at, to_at))
    ends = [entry for entry in _unasked_ends(history) if entry.at >= from_at]
    return Summary(
        wanted_s=sum((span.length_s for span in spans), 0.0),
        up_s=sum((span.length_s for span in spans if span.state == State.UP), 0.0),
        ends=len(ends),
        restarts=sum(entry.at >= from_at and _is_start(entry) for entry in changes[1:]),
        last_end=next(reversed(ends), None),
        starting_s=sum((span.allowed_s for span in spans), 0.0),
    )


class _Span(NamedTuple):
    """The time in which a wanted instance was in one state."""

    state: str
    length_s: float
    allowed_s: float
    """The part of it that belongs to a start that was asked for."""


def _wanted_spans(changes: Sequence[HistoryEntry], from_at: float, to_at: float) -> Iterator[_Span]:
    """Yield the states in which the instance was wanted."""
    ends_at = [*(entry.at for entry in changes[1:]), to_at]
    allowed_until = from_at
    for entry, end_at in zip(changes, ends_at, strict=True):
        begin_at = max(entry.at, from_at)
        if _is_asked_start(entry):
            allowed_until = entry.at + START_ALLOWANCE_S
        elif entry.after not in _ON_THE_WAY:
            # It is up, or has failed; whatever comes then is no part of that start.
            allowed_until = from_at
        if entry.target == Target.UP:
            allowed_s = max(0.0, min(end_at, allowed_until) - begin_at)
            yield _Span(entry.after, max(0.0, end_at - begin_at), allowed_s)


def _is_asked_start(entry: HistoryEntry) -> bool:
    """Whether a start or restart begins that is no consequence of a failure."""
    if entry.before in _FAILING:
        return False
    from_rest = entry.before == State.DOWN and entry.after == State.STARTING
    return from_rest or (entry.event == "RestartRequested" and entry.before != entry.after)


def _is_start(entry: HistoryEntry) -> bool:
    """Whether a process was started; a new daemon only adopts those that run."""
    return entry.after == State.STARTING != entry.before and entry.event != "Adopted"


def _unasked_ends(history: Sequence[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Yield the ends of an instance, by itself or after a hang, while it was wanted."""
    target = ""
    for entry in history:
        if entry.after:
            target = entry.target
        hung = entry.event == "BecameHung" and entry.after == State.STOPPING
        if (entry.is_unasked_end or hung) and target == Target.UP:
            yield entry
