"""The other hosts of the site, as this daemon has seen them last, and how they differ from it."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ocsd.errors import UnreachableError
from ocsd.text.times import utc
from ocsd.text.units import duration

CLOCK_TOLERANCE_S: Final = 5.0
"""Difference of clocks that is not told: the answer itself took a part of it [s]."""


@dataclass(slots=True)
class _Seen:
    status: dict[str, Any]
    tag: str
    at: float
    took_s: float
    its_at: float | None
    """The time of the host's own clock then [s, Unix time]."""


class HostAnswer(NamedTuple):
    """The answer of a host, or why there is none."""

    status: dict[str, Any] | None
    trouble: str = ""


@dataclass(eq=False)
class OtherHosts:
    """Remembers the last status of each other host."""

    now: Callable[[], float] = time.time
    """Returns the time [s, Unix time]."""
    _seen: dict[str, _Seen] = field(default_factory=dict, init=False)
    _away: dict[str, float] = field(default_factory=dict, init=False)
    """Since when each host has not answered [s, Unix time]."""

    def question(self, host: str) -> dict[str, Any]:
        """Return the request for the status of a host in brief, if it is not as it was."""
        seen = self._seen.get(host)
        return {"request": "status", "brief": True, "known": seen.tag if seen else ""}

    def answered(self, host: str, reply: Mapping[str, Any], took_s: float) -> dict[str, Any]:
        """Return the status in the answer to a question, which took so long to come [s].

        Raises
        ------
        UnreachableError
            If it is none.
        """
        seen = self._seen.get(host)
        status, tag = reply.get("status"), str(reply.get("tag") or "")
        if status is None and seen is not None and tag == seen.tag:
            status = seen.status
        if not isinstance(status, dict):
            raise UnreachableError(f"host {host!r} has answered without its status")
        its_at = reply.get("at", (status.get("site") or {}).get("at"))
        self._seen[host] = _Seen(status, tag, self.now(), took_s, its_at)
        self._away.pop(host, None)
        return status

    def row(self, host: str, own: Mapping[str, Any], answer: HostAnswer) -> dict[str, Any]:
        """Return a host for the answer to ``request="site"``.

        Parameters
        ----------
        host : str
            The host.
        own : mapping
            The status of this daemon's own host.
        answer : HostAnswer
            What came when it was asked now.
        """
        seen = self._seen.get(host)
        status, trouble = answer
        if trouble:
            trouble = self._since(host, seen, trouble)
        notes = []
        if seen is not None and status is None:
            status = seen.status
        if seen is not None and not trouble:
            notes = differences(own, seen.status, seen.its_at, seen.at - seen.took_s / 2)
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


def tag_of(status: Mapping[str, Any]) -> str:
    """Return a short name of a brief status; another one has another name."""
    return hashlib.blake2b(json.dumps(status).encode(), digest_size=12).hexdigest()


def differences(
    own: Mapping[str, Any], other: Mapping[str, Any], its_at: object, asked_at: float
) -> list[str]:
    """Return what is not the same on another host, in words.

    Parameters
    ----------
    own, other : mapping
        The status of this host and of the other.
    its_at
        The time of the other's clock at which it made its status [s, Unix time]; None if it did not
        tell.
    asked_at : float
        The time of this host's clock then [s, Unix time].
    """
    found = []
    if (version := other.get("version")) != own.get("version"):
        found.append(f"runs ocsd {version}, and {own.get('host')} {own.get('version')}")
    mine, its = own.get("site") or {}, other.get("site") or {}
    if mine.get("digest") and its.get("digest") and mine["digest"] != its["digest"]:
        found.append(f"uses another version of the site file than {own.get('host')}")
    if isinstance(its_at, int | float):
        off_s = its_at - asked_at
        if abs(off_s) > CLOCK_TOLERANCE_S:
            way = "ahead of" if off_s > 0 else "behind"
            found.append(f"its clock is {duration(abs(off_s))} {way} that of {own.get('host')}")
    return found
