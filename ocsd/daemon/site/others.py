"""The other hosts of the site, as this daemon has seen them last, and how they differ from it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ocsd.text.times import utc
from ocsd.text.units import duration

CLOCK_TOLERANCE_S: Final = 5.0
"""Difference of clocks that is not told: the answer itself took a part of it [s]."""


@dataclass(slots=True)
class _Seen:
    status: dict[str, Any]
    at: float
    took_s: float


@dataclass(eq=False)
class OtherHosts:
    """Remembers the last status of each other host."""

    now: Callable[[], float] = time.time
    """Returns the time [s, Unix time]."""
    _seen: dict[str, _Seen] = field(default_factory=dict, init=False)
    _away: dict[str, float] = field(default_factory=dict, init=False)
    """Since when each host has not answered [s, Unix time]."""

    def answered(self, host: str, status: dict[str, Any], took_s: float) -> None:
        """Note the status of a host, and how long it took to come [s]."""
        self._seen[host] = _Seen(status, self.now(), took_s)
        self._away.pop(host, None)

    def row(self, host: str, own: Mapping[str, Any], trouble: str = "") -> dict[str, Any]:
        """Return a host for the answer to ``request="site"``.

        Parameters
        ----------
        host : str
            The host.
        own : mapping
            The status of this daemon's own host.
        trouble : str
            Why the host has not answered now; empty if it has.
        """
        seen = self._seen.get(host)
        if trouble:
            trouble = self._since(host, seen, trouble)
        status, notes = None, []
        if seen is not None:
            status = seen.status
        if seen is not None and not trouble:
            notes = differences(own, seen.status, seen.at - seen.took_s / 2)
        return {
            "host": host,
            "status": status,
            "seen_at": seen and seen.at,
            "trouble": trouble,
            "notes": notes,
        }

    def _since(self, host: str, seen: _Seen | None, trouble: str) -> str:
        since_at = self._away.setdefault(host, self.now())
        if seen is None:
            return f"{trouble}; nor has it answered since {utc(since_at)}, when it was first asked"
        age = duration(max(0.0, self.now() - seen.at))
        return f"{trouble}; it last answered {age} ago, at {utc(seen.at)}"


def differences(own: Mapping[str, Any], other: Mapping[str, Any], asked_at: float) -> list[str]:
    """Return what is not the same on another host, in words.

    Parameters
    ----------
    own, other : mapping
        The status of this host and of the other.
    asked_at : float
        The time of this host's clock at which the other one made its status [s, Unix time].
    """
    found = []
    if (version := other.get("version")) != own.get("version"):
        found.append(f"runs ocsd {version}, and {own.get('host')} {own.get('version')}")
    mine, its = own.get("site") or {}, other.get("site") or {}
    if mine.get("digest") and its.get("digest") and mine["digest"] != its["digest"]:
        found.append(f"uses another version of the site file than {own.get('host')}")
    if isinstance(its.get("at"), int | float):
        off_s = its["at"] - asked_at
        if abs(off_s) > CLOCK_TOLERANCE_S:
            way = "ahead of" if off_s > 0 else "behind"
            found.append(f"its clock is {duration(abs(off_s))} {way} that of {own.get('host')}")
    return found
