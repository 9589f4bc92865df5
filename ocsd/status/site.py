"""The hosts of a site as their daemons tell of each other (docs/run/sites.md).

Each daemon has one address on the site's router. What it answers there about all hosts is an
object, which `hosts_of` turns into values.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ocsd.status import replies
from ocsd.status.brief import spread
from ocsd.text.uri import uri_component

ASK_LIMIT_S: Final = 2.0
"""Time that another host has for an answer [s]."""
RUN_LIMIT_S: Final = 40.0
"""Time for a piece of a command's output [s].

It comes within a second, but not from a host that is very busy, or tries a new version before an
upgrade. Whoever waits for it has had an answer of this host just before.
"""


class SiteHost(NamedTuple):
    """One host, as one of the daemons knows it."""

    host: str
    status: Mapping[str, Any] | None = None
    """Its last answer of ``GET /v1/status``; None if there was none."""
    seen_at: float | None = None
    """When that was [s, Unix time]."""
    trouble: str = ""
    """Why there is no answer now; empty if there is one."""
    notes: tuple[str, ...] = ()
    """Differences from the host that was asked."""
    listed: tuple[str, ...] = ()
    """The instance-ids that it has in the site file of the host that was asked."""

    @property
    def answers(self) -> bool:
        """Whether its daemon has answered now."""
        return not self.trouble

    @property
    def names(self) -> tuple[str, ...]:
        """The instance-ids that it has, or had when it was last seen, or should have."""
        if self.status is None:
            return self.listed
        return replies.instance_ids(self.status)


def control_uri(address_root: str, host: str) -> str:
    """Return the address of a host's daemon, e.g. ``observatory.ocsd.lab-1.control``."""
    return f"{address_root}.ocsd.{uri_component(host)}.control"


def hosts_of(answer: Mapping[str, Any]) -> tuple[SiteHost, ...]:
    """Return the hosts in a daemon's answer to ``request="site"``."""
    return tuple(
        SiteHost(
            host=str(row.get("host")),
            status=row.get("status") and spread(row["status"]),
            seen_at=row.get("seen_at"),
            trouble=str(row.get("trouble") or ""),
            notes=tuple(map(str, row.get("notes") or ())),
            listed=tuple(map(str, row.get("listed") or ())),
        )
        for row in answer.get("hosts", ())
    )


def holders(name: str, hosts: Iterable[SiteHost]) -> list[str]:
    """Return the hosts that have an instance of that name."""
    return [each.host for each in hosts if name in each.names]


def all_names(hosts: Sequence[SiteHost]) -> list[str]:
    """Return the instance-ids of all hosts, each once."""
    return list(dict.fromkeys(name for each in hosts for name in each.names))
