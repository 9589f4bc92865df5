"""Two lines of audit for a flood: what is refused again and again is counted."""

from dataclasses import dataclass, field
from typing import Final

from ocsd.audit.entry import AuditEntry, AuditOutcome

REPEATS_S: Final = 10.0
"""Time for which equal refusals are counted [s]."""

MOST_DIFFERENT: Final = 50
"""Number of different refusals in that time; all others are counted together."""


@dataclass(eq=False)
class _Counted:
    entry: AuditEntry
    begun_s: float
    more: int = 0


@dataclass(eq=False)
class Repeats:
    """Passes on what is done, and the first of equal refusals; counts the others."""

    _counted: dict[tuple[str, ...], _Counted] = field(default_factory=dict)

    def take(self, entry: AuditEntry, now_s: float) -> list[AuditEntry]:
        """Return the entries to write now, at a monotonic time [s]."""
        if entry.outcome == AuditOutcome.DONE:
            return [entry]
        due = self.due(now_s)
        key = _key(entry)
        if key not in self._counted and len(self._counted) >= MOST_DIFFERENT:
            entry = _of_many(entry)
            key = _key(entry)
        counted = self._counted.get(key)
        if counted is None:
            self._counted[key] = _Counted(entry, now_s)
            return [*due, entry]
        counted.more += entry.times
        counted.entry = entry
        return due

    def due(self, now_s: float, *, all_of_them: bool = False) -> list[AuditEntry]:
        """Return an entry for each refusal that was counted for long enough."""
        over = [
            key
            for key, each in self._counted.items()
            if all_of_them or now_s - each.begun_s >= REPEATS_S
        ]
        found = [self._counted.pop(key) for key in over]
        return [each.entry._replace(times=each.more) for each in found if each.more]


def _key(entry: AuditEntry) -> tuple[str, ...]:
    # Without the target, names that nobody vouches for would be counted as one another.
    who = entry.kind, entry.action, entry.person, entry.target
    return (*who, entry.address, entry.reason, entry.source)


def _of_many(entry: AuditEntry) -> AuditEntry:
    return AuditEntry(
        entry.at,
        entry.kind,
        "many",
        entry.outcome,
        reason=f"more than {MOST_DIFFERENT} different refusals in {REPEATS_S:g} s: these are the "
        "others",
        source=entry.source,
        times=entry.times,
    )
