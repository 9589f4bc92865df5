"""Incidents: alarms of one cause, which tell people once."""

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import IntEnum
from typing import Any, Final, NamedTuple

TOGETHER_S: Final = 5.0
"""Longest time between alarms that count as of one cause, whatever they are about [s]."""


NEWS_S: Final = 3600.0
"""Time after which one more alarm of a cause is news, although people know of the cause [s]."""


class Severity(IntEnum):
    """The urgency of an alarm, the worst last."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """Its name in a site file."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Incident:
    """Alarms of one cause; it is over when all of them are clear."""

    number: int
    begun_at: float
    last_at: float
    """When the last alarm joined it [s, Unix time]."""
    severity: Severity
    """The worst that people were told of."""
    causes: frozenset[str]
    """Instances, disks and so on that its alarms are about."""
    alarms: tuple[str, ...]
    """The names of all its alarms, in the order in which they were raised."""
    open: frozenset[str]
    """Those that are still raised."""


class Joined(NamedTuple):
    """The incident of an alarm that was raised or cleared."""

    incident: Incident
    tells: bool
    """Whether people are told now: it is new, worse than they know, much later, or over."""


@dataclass(frozen=True, slots=True)
class OpenIncidents:
    """The incidents that are not over."""

    last_number: int = 0
    open: tuple[Incident, ...] = ()

    def raised(
        self, name: str, cause: str, severity: Severity, at: float
    ) -> "tuple[OpenIncidents, Joined]":
        """Return the incidents after an alarm was raised, and the one that it belongs to.

        It joins one with the same cause, or one that another alarm has joined a few seconds ago;
        of several the oldest.
        """
        for incident in self.open:
            if cause in incident.causes or abs(at - incident.last_at) <= TOGETHER_S:
                joined = _joined(incident, name, cause, severity, at)
                is_news = severity > incident.severity or at - incident.last_at >= NEWS_S
                return self._with(joined), Joined(joined, is_news)
        number = self.last_number + 1
        new = Incident(number, at, at, severity, frozenset({cause}), (name,), frozenset({name}))
        return OpenIncidents(number, (*self.open, new)), Joined(new, tells=True)

    def cleared(self, name: str) -> "tuple[OpenIncidents, Joined | None]":
        """Return the incidents after an alarm was cleared, and the one that it belonged to.

        None if it belonged to none: it was raised quietly.
        """
        for incident in self.open:
            if name in incident.open:
                left = replace(incident, open=incident.open - {name})
                return self._with(left), Joined(left, tells=not left.open)
        return self, None

    def of(self, name: str) -> Incident | None:
        """Return the incident in which an alarm is still raised; None if there is none."""
        return next((each for each in self.open if name in each.open), None)

    def to_json(self) -> dict[str, Any]:
        """Return them for a file: `incidents_from_json` reads it."""
        return {
            "last_number": self.last_number,
            "open": [
                {**asdict(each), "causes": sorted(each.causes), "open": sorted(each.open)}
                for each in self.open
            ],
        }

    def _with(self, changed: Incident) -> "OpenIncidents":
        kept = (changed if each.number == changed.number else each for each in self.open)
        return replace(self, open=tuple(each for each in kept if each.open))


def incidents_from_json(told: Mapping[str, Any], names: Container[str]) -> OpenIncidents:
    """Return incidents that `OpenIncidents.to_json` has written.

    Alarms whose names are not among `names` are there no more, so they are not raised either.
    """
    known = {each.name for each in fields(Incident)}
    found = []
    for row in told.get("open", ()):
        kept = {key: value for key, value in row.items() if key in known}
        kept |= {
            "severity": Severity(row["severity"]),
            "causes": frozenset(row["causes"]),
            "alarms": tuple(row["alarms"]),
            "open": frozenset(name for name in row["open"] if name in names),
        }
        if kept["open"]:
            found.append(Incident(**kept))
    return OpenIncidents(told.get("last_number", 0), tuple(found))


def _joined(incident: Incident, name: str, cause: str, severity: Severity, at: float) -> Incident:
    return replace(
        incident,
        last_at=max(at, incident.last_at),
        severity=max(severity, incident.severity),
        causes=incident.causes | {cause},
        alarms=tuple(dict.fromkeys((*incident.alarms, name))),
        open=incident.open | {name},
    )
