"""Entries that a process reports for the audit journal, until the daemon has taken them.

A process under the daemon sends a datagram ``X_AUDIT=[…]`` to ``$NOTIFY_SOCKET``: a list of the
fields of `AuditEntry`. The kernel vouches for the sender's pid.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ocsd.audit.entry import AuditEntry, AuditKind, AuditOutcome, cleaned, entry_of
from ocsd.audit.repeats import Repeats
from ocsd.system.notify import Delivery, notify

AUDIT_KEY: Final = "X_AUDIT"
"""The key of the entries in a datagram."""

MOST_NOTES: Final = 1000
"""Entries kept while the daemon is away; older ones are dropped and counted."""

LARGEST_DATAGRAM_BYTES: Final = 40_000

_NOBODY_LISTENS: Final = "the daemon was away for too long: {} entries of this process are lost"


def encode_entries(entries: Iterable[AuditEntry]) -> str:
    """Return entries as text of one line."""
    return json.dumps([entry.as_row() for entry in entries], separators=(",", ":"))


def decode_entries(text: str) -> list[AuditEntry]:
    """Return the entries of a text; those that are none are left out."""
    try:
        rows = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    if not isinstance(rows, list):
        return []
    return [entry for row in rows if (entry := entry_of(row)) is not None]


@dataclass(eq=False)
class Notes:
    """Collects the entries of this process; `send` passes them on. May be used by any thread."""

    kind: AuditKind
    deliver: Callable[..., Delivery] = notify
    """Sends a notification with these assignments."""
    wall_clock: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    """Return the Unix time and the monotonic time [s]."""

    _waiting: deque[AuditEntry] = field(default_factory=deque, init=False)
    _repeats: Repeats = field(default_factory=Repeats, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _dropped: int = field(default=0, init=False)

    def add(self, action: str, outcome: str = AuditOutcome.DONE, **fields: Any) -> None:
        """Take an entry, with the fields of `AuditEntry`; call `send` each second."""
        kind = fields.pop("kind", self.kind)
        # Cut here: words of a stranger that fit into no datagram would hold up all others.
        entry = cleaned(AuditEntry(self.wall_clock(), kind, action, outcome, **fields))
        with self._lock:
            self._keep(self._repeats.take(entry, self.clock()))

    def send(self) -> None:
        """Send what waits, as far as the daemon takes it now; it does not wait and never raises."""
        with self._lock:
            self._keep(self._repeats.due(self.clock()))
            if self._dropped:
                reason = _NOBODY_LISTENS.format(self._dropped)
                lost = AuditEntry(
                    self.wall_clock(), AuditKind.AUDIT, "lost", AuditOutcome.FAILED, reason=reason
                )
                self._waiting.appendleft(lost)
                self._dropped = 0
            while self._waiting:
                count, text = self._next()
                if self.deliver(**{AUDIT_KEY: text}) is not Delivery.DONE:
                    return
                for _ in range(count):
                    self._waiting.popleft()

    def _next(self) -> tuple[int, str]:
        """Return the entries that fit into a datagram: their number, and their text."""
        count, size = 0, 2
        rows: list[str] = []
        for entry in self._waiting:
            row = encode_entries((entry,))[1:-1]
            size += len(row) + 1
            if rows and size > LARGEST_DATAGRAM_BYTES:
                break
            rows.append(row)
            count += 1
        return count, f"[{','.join(rows)}]"

    def _keep(self, entries: Iterable[AuditEntry]) -> None:
        for entry in entries:
            if len(self._waiting) >= MOST_NOTES:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(entry)
