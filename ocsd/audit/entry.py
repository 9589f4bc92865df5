"""One entry of the audit journal: who did what, or was refused."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ocsd.audit.secrets import told
from ocsd.text.printable import one_line

LONGEST_FIELD: Final = 500
"""Length of a text of an entry, at most [characters]."""


class AuditKind(StrEnum):
    """The part of ocsd in which something happened."""

    OPERATION = "operation"
    """A request to an operation of an agent."""
    ROUTER = "router"
    """A join, call, registration, publication or subscription at the router."""
    LOGIN = "login"
    """A login at the page in the browser."""
    CHANGE = "change"
    """A request to the daemon, e.g. to restart an instance."""
    ACCESS = "access"
    """A change of people, keys or certificates."""
    AUDIT = "audit"
    """An event of the journal itself."""


class AuditOutcome(StrEnum):
    """The outcome of what was asked for."""

    DONE = "done"
    """It was accepted. An operation may still fail later, which its session tells."""
    REFUSED = "refused"
    FAILED = "failed"


class AuditEntry(NamedTuple):
    """One line of the journal."""

    at: float
    """Time [s, Unix time]."""
    kind: str
    """One of `AuditKind`."""
    action: str
    """E.g. ``start``, ``login``, ``restart``, ``subscribe``."""
    outcome: str = AuditOutcome.DONE
    """One of `AuditOutcome`."""
    person: str = ""
    """The person or program, by a name that router, kernel or login vouch for."""
    role: str = ""
    address: str = ""
    """The place from which the request came."""
    target: str = ""
    """The thing that it was about, e.g. ``thermo1.acq``."""
    parameters: Mapping[str, Any] = {}
    """Its parameters without secrets."""
    reason: str = ""
    """The reason of a refusal or failure."""
    says: str = ""
    """The client's own words about itself, for which nobody vouches."""
    source: str = ""
    """The process that reported it, as the kernel vouches for it; empty: the daemon."""
    times: int = 1
    """The number of equal entries that were made one."""

    def as_row(self) -> dict[str, Any]:
        """Return its fields that are not empty."""
        row = self._asdict()
        row["at"] = round(self.at, 3)
        del row["times"]
        if self.times > 1:
            row["times"] = self.times
        return {key: value for key, value in row.items() if value not in ("", {})}


_TEXTS: Final = tuple(
    name for name in AuditEntry._fields if name not in {"at", "parameters", "times"}
)


_FIELDS: Final = frozenset(AuditEntry._fields)


def kept_entry(row: Any) -> AuditEntry | None:
    """Return the entry of a line of the journal, as it was written; None if it is none."""
    try:
        return AuditEntry(**{name: row[name] for name in row.keys() & _FIELDS})
    except (TypeError, AttributeError):
        return None


def cleaned(entry: AuditEntry) -> AuditEntry:
    """Return an entry as it may be written: short texts of one line, parameters without secrets."""
    texts: dict[str, Any] = {
        name: one_line(str(getattr(entry, name)))[:LONGEST_FIELD] for name in _TEXTS
    }
    return entry._replace(parameters=told(entry.parameters), **texts)


def entry_of(row: Any) -> AuditEntry | None:
    """Return the entry of the words of another process; None if they are none."""
    try:
        found = AuditEntry(
            at=float(row["at"]),
            parameters=dict(row.get("parameters") or {}),
            times=max(1, int(row.get("times", 1))),
            **{name: row[name] for name in _TEXTS if name in row},
        )
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None
    if not math.isfinite(found.at):
        return None
    return cleaned(found)
