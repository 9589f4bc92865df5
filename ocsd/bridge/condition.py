"""The condition of a bridge, as data for the status and in words for the operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ocsd.text import times
from ocsd.text.plural import plural

MEBIBYTE: Final = 2**20
MOST_NAMED: Final = 3
"""Duplicates that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class BridgeCondition:
    """The present condition of a bridge."""

    hub: str
    """URL of the hub's router."""
    is_connected: bool
    since_at: float
    """Since when it is, or is not, connected [s, Unix time]."""
    why: str = ""
    """Why it is not."""
    waiting: int = 0
    """Events that wait for the hub's router, sent ones that are not confirmed included."""
    waiting_bytes: int = 0
    dropped: int = 0
    """Events for the hub that were given up since the start of the bridge."""
    dropped_here: int = 0
    """The same of events for this host."""
    kept_back: int = 0
    """Heartbeats that said nothing new and did not go to the hub, since the start of the bridge."""
    knows_demand: bool = True
    """Whether the hub's router tells who subscribes to what."""
    duplicates: Mapping[str, str] = field(default_factory=dict)
    """Instance-ids that another host has as well, and words for that."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Other addresses and topics that the hub's router refuses, and why."""

    def as_json(self) -> dict[str, Any]:
        """Return it for the status (docs/reference/control-api.md)."""
        return {
            "hub": self.hub,
            "connected": self.is_connected,
            "since_at": round(self.since_at, 3),
            "reason": self.why,
            "waiting": self.waiting,
            "waiting_bytes": self.waiting_bytes,
            "dropped": self.dropped,
            "dropped_here": self.dropped_here,
            "kept_back": self.kept_back,
            "knows_demand": self.knows_demand,
            "duplicates": dict(list(self.duplicates.items())[:MOST_NAMED]),
        }

    def of_link(self) -> str:
        """Return what is wrong with the connection to the hub; empty if nothing is."""
        if self.is_connected:
            return ""
        words = [f"not connected to the hub since {times.utc(self.since_at)}: {self.why}"]
        words.append(f"{self._waiting()}; this host works on without it")
        return "; ".join(words)

    def of_feeds(self) -> str:
        """Return what is wrong with the feeds; empty if nothing is."""
        faults = []
        if self.is_connected and not self.knows_demand:
            faults.append(
                "the hub's router does not tell who subscribes to what, so all feeds of this host "
                "are sent to it; let the bridge's role there call and subscribe to "
                "'wamp.subscription.'"
            )
        if self.dropped or self.dropped_here:
            faults.append(
                f"dropped since the bridge was started, because too much waited: {self.dropped} "
                f"events for the hub, {self.dropped_here} for this host"
            )
        return "; ".join(faults)

    def of_addresses(self) -> str:
        """Return what is wrong with addresses; empty if nothing is."""
        words = list(self.duplicates.values())
        words += [f"the hub's router refuses {key}: {why}" for key, why in self.refused.items()]
        more = len(words) - MOST_NAMED
        if more > 0:
            words[MOST_NAMED:] = [f"and {more} more"]
        return "; ".join(words)

    def _waiting(self) -> str:
        size = f"{self.waiting_bytes / MEBIBYTE:.1f} MiB"
        return f"{plural(self.waiting, 'event')} ({size}) for it waiting here"


def of_duplicate(instance_id: str, host: str, holder: Mapping[str, Any] | None) -> str:
    """Return words for an instance-id that another host has as well.

    Parameters
    ----------
    instance_id : str
        The instance-id.
    host : str
        This host.
    holder : dict, optional
        The other agent's answer to ``get_api``; None if it gives none.
    """
    where = "another host"
    if holder is not None and holder.get("instance_hostname"):
        where = f"{holder['instance_hostname']} (pid {holder.get('instance_pid')})"
    return (
        f"instance-id {instance_id!r} is in use on this host ({host}) and on {where}; the site "
        "reaches the other one only: give one of them another instance-id, or stop it"
    )
