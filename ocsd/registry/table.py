"""The agents of a site and whether they are alive; pure rules, no clock, no router."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, Final

from ocsd.base import OpCode

EXPIRES_AFTER_S: Final = 5.0
LONGEST_PAUSE_S: Final = 2.5
"""Time between two looks for silent agents from which heartbeats may still wait to be read [s]."""
LONGEST_NAME: Final = 255
MOST_FIELD_NAMES: Final = 10_000
"""The most operations whose fields' names are remembered."""


@dataclass(slots=True)
class RegistryEntry:
    """One agent."""

    agent_address: str
    """Address of the agent."""
    agent_class: str | None
    """Its class, None if its heartbeat does not name it."""
    op_codes: dict[str, int]
    """State of each operation; `OpCode.EXPIRED` for all once it is silent."""
    last_updated: float
    """Unix time of the last heartbeat [s]."""
    heard_s: float
    """Monotonic time of the last heartbeat [s], which decides the expiry."""
    time_expired: float | None = None
    """Unix time of its expiry [s], until its next heartbeat."""
    session_id: str = ""
    """The life of the agent that has sent it; empty if its heartbeat does not name it."""

    @property
    def expired(self) -> bool:
        """True if the agent is silent."""
        return self.time_expired is not None

    def encoded(self) -> dict[str, Any]:
        """Return the agent as OCS shows it in session.data."""
        return {
            "expired": self.expired,
            "time_expired": self.time_expired,
            "last_updated": self.last_updated,
            "op_codes": dict(self.op_codes),
            "agent_class": self.agent_class,
            "agent_address": self.agent_address,
        }


class KnownAgents(Mapping[str, dict[str, Any]]):
    """All agents that have ever sent a heartbeat.

    By their addresses it gives them as OCS shows them in session.data of the process ``main``:
    made when a client asks, because hardly one does.
    """

    def __init__(self) -> None:
        self.entries: dict[str, RegistryEntry] = {}
        self._looked_s = inf
        self._is_late = False

    def beat(self, op_codes: object, feed_info: object, at: float, mono_s: float) -> dict[str, int]:
        """Take in a heartbeat as it came, at a Unix time and a monotonic time [s].

        Parameters
        ----------
        op_codes : object
            ``{operation: code}``; the 0 of very old agents counts as no operations.
        feed_info : object
            The sender. A heartbeat without one does not count.

        Returns
        -------
        dict of str to int
            The codes of the operations that are new or have changed.
        """
        address = sender_of(feed_info)
        if not address or not isinstance(feed_info, Mapping):
            return {}
        agent_class = feed_info.get("agent_class")
        if not isinstance(agent_class, str):
            agent_class = None
        codes = _codes(op_codes)
        before = self.entries.get(address)
        session_id = str(feed_info.get("session_id") or "")
        entry = RegistryEntry(address, agent_class, codes, at, mono_s, session_id=session_id)
        self.entries[address] = entry
        if before is None:
            return codes
        return {name: code for name, code in codes.items() if before.op_codes.get(name) != code}

    def beat_again(self, entry: RegistryEntry, at: float, mono_s: float) -> bool:
        """Take in a heartbeat that says the same; return False if that is not the latest word."""
        if entry.time_expired is not None or self.entries.get(entry.agent_address) is not entry:
            return False
        entry.last_updated, entry.heard_s = at, mono_s
        return True

    def expire(self, at: float, mono_s: float) -> list[RegistryEntry]:
        """Mark the agents that have fallen silent; return those newly marked.

        None at the first look after a pause of this process, which may not have listened.
        """
        self._is_late = not self._is_late and mono_s - self._looked_s > LONGEST_PAUSE_S
        self._looked_s = mono_s
        if self._is_late:
            return []
        expired = []
        for entry in self.entries.values():
            if entry.time_expired is None and mono_s - entry.heard_s > EXPIRES_AFTER_S:
                entry.time_expired = at
                entry.op_codes = dict.fromkeys(entry.op_codes, OpCode.EXPIRED.value)
                expired.append(entry)
        return expired

    def heard_s(self) -> dict[str, float]:
        """Return when the latest heartbeat of each agent came [s, monotonic], by session-id."""
        return {entry.session_id: entry.heard_s for entry in self.entries.values()}

    def __getitem__(self, address: str) -> dict[str, Any]:
        return self.entries[address].encoded()

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def sender_of(feed_info: object) -> str:
    """Return the address of the agent that has sent a heartbeat; empty if it does not say."""
    address = feed_info.get("agent_address") if isinstance(feed_info, Mapping) else None
    return address if isinstance(address, str) else ""


@lru_cache(maxsize=MOST_FIELD_NAMES)
def field_name(agent_address: str, op_name: str) -> str | None:
    """Return the name of an operation's block and field in ``agent_operations``.

    Dashboards and alarms use these names: dots and dashes become underscores,
    other characters that the rules for fields forbid are left out.

    Returns
    -------
    str or None
        None if nothing usable is left.
    """
    name = re.sub(r"[.\-]", "_", f"{agent_address}_{op_name}")
    name = re.sub(r"[^A-Za-z0-9_]", "", name)
    match = re.match(r"(_*)[^A-Za-z]*(.*)", name)
    if match is None or not match[2]:
        return None
    return (match[1] + match[2])[:LONGEST_NAME]


def _codes(op_codes: object) -> dict[str, int]:
    if not isinstance(op_codes, Mapping):
        return {}
    return {
        str(name): int(code)
        for name, code in op_codes.items()
        if isinstance(code, int) and not isinstance(code, bool)
    }
