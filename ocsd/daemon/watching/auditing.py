"""Writes the audit journal of this host: what the daemon does, and what others report to it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ocsd.audit.entry import AuditEntry, AuditKind, AuditOutcome, cleaned
from ocsd.audit.journal import AuditJournal
from ocsd.audit.notes import decode_entries
from ocsd.audit.repeats import Repeats
from ocsd.daemon.instances.ports import Clock
from ocsd.system.runs import OperationRequest
from ocsd.text.logins import without_logins


@dataclass(eq=False)
class Audit:
    """Writes down who did what on this host."""

    journal: AuditJournal
    clock: Clock
    wall_clock: Callable[[], float] = time.time
    """Return the monotonic time and the Unix time [s]."""

    _repeats: Repeats = field(default_factory=Repeats, init=False)

    @property
    def trouble(self) -> str:
        """Why entries wait in memory; empty if none do."""
        return self.journal.trouble

    def as_json(self) -> dict[str, Any]:
        """Return the end of the chain for the status, with which a cut end of the journal shows."""
        return {"number": self.journal.last.number, "chain": self.journal.last.chain}

    def change(self, action: str, outcome: str = AuditOutcome.DONE, **fields: Any) -> None:
        """Write down a request to the daemon, with the fields of `AuditEntry`."""
        self._take(AuditEntry(self.wall_clock(), AuditKind.CHANGE, action, outcome, **fields))

    def access(self, action: str, **fields: Any) -> None:
        """Write down a change of people, keys or certificates."""
        self._take(AuditEntry(self.wall_clock(), AuditKind.ACCESS, action, **fields))

    def operations(self, instance_id: str, requests: Iterable[OperationRequest]) -> None:
        """Write down the requests of clients that an agent has reported."""
        for each in requests:
            self._take(operation_entry(instance_id, each))

    def reported(self, instance_id: str, text: str) -> None:
        """Write down what a process has reported (`ocsd.audit.notes`)."""
        for entry in decode_entries(text):
            self._take(entry._replace(source=instance_id))

    def catch_up(self) -> None:
        """Write what was counted for long enough, and try again to write what waits."""
        self._write(self._repeats.due(self.clock.seconds()))
        if self.journal.trouble:
            self.journal.flush()

    def close(self) -> None:
        """Write what waits and let go of the files."""
        self._write(self._repeats.due(self.clock.seconds(), all_of_them=True))
        self.journal.close()

    def _take(self, entry: AuditEntry) -> None:
        entry = cleaned(entry._replace(reason=without_logins(entry.reason)))
        self._write(self._repeats.take(entry, self.clock.seconds()))

    def _write(self, entries: Iterable[AuditEntry]) -> None:
        for entry in entries:
            self.journal.write(entry)


def operation_entry(instance_id: str, request: OperationRequest) -> AuditEntry:
    """Return the entry of a request to an operation of an agent."""
    return AuditEntry(
        at=request.at,
        kind=AuditKind.OPERATION,
        action=request.action,
        outcome=request.outcome,
        person=request.person,
        role=request.role,
        address=request.address,
        target=f"{instance_id}.{request.operation}",
        parameters=request.parameters,
        reason=request.reason,
        says=request.says,
        source=instance_id,
    )
