"""The status of a host in brief, as daemons tell it to each other (docs/reference/wire.md).

Of instances that are well only their names are kept, and nothing that changes by itself. So it is a
twentieth of the whole, and the same as before as long as nothing happens on the host.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ocsd.status import replies
from ocsd.status.verdict import is_idle, is_well

_OF_HOST: Final = (
    *("schema", "host", "version", "pid", "since_at", "stopping", "trouble", "alarms"),
    *("not_managed", "instances", "site_file"),
)
_OF_ROUTER: Final = ("state", "health", "url", "reason", "target", "pid", "since_at")
_PASSING: Final = frozenset({"cpu_percent", "rss_bytes", "log_path", "sample_age_s"})
"""Fields of an instance that no line of the site shows."""
_GROUP: Final = ("agent_class", "state", "health")
"""What instances of a group have in common; `target` is their `state`."""
_WHEN: Final = "at"
"""The time of the host's clock at which a status was made, in `site`."""

Status = dict[str, Any]


def brief(status: Mapping[str, Any]) -> Status:
    """Return the answer of ``GET /v1/status`` in brief."""
    found = {key: status[key] for key in _OF_HOST if key in status}
    well: dict[tuple[Any, ...], list[str]] = {}
    told = []
    for row in status.get("instances", ()):
        if _says_nothing(replies.instance_status(row)):
            group = tuple(row.get(key) for key in _GROUP)
            well.setdefault(group, []).append(row["instance_id"])
        else:
            told.append(_lasting(row))
    router = status.get("router") or {}
    return {
        **found,
        "router": {key: router[key] for key in _OF_ROUTER if key in router},
        "site": {key: value for key, value in (status.get("site") or {}).items() if key != _WHEN},
        "clock": _clock(status.get("clock")),
        "disks": [disk for disk in status.get("disks") or () if disk.get("warning")],
        "instances": told,
        "well": [[*group, names] for group, names in well.items()],
    }


def spread(status: Mapping[str, Any]) -> Status:
    """Return a status in the shape of ``GET /v1/status``, with what a brief one has kept."""
    if "well" not in status:
        return dict(status)
    rest = {key: value for key, value in status.items() if key != "well"}
    return {**rest, "instances": [*status["instances"], *_spread(status["well"])]}


def _spread(groups: Any) -> Iterator[Status]:
    for agent_class, state, health, names in groups:
        common = {"agent_class": agent_class, "state": state, "target": state, "health": health}
        for name in names:
            yield {"instance_id": name, **common}


def _says_nothing(instance: replies.InstanceStatus) -> bool:
    told = instance.recording
    has_lost = told is not None and told.lost_holes
    return is_well(instance) and not is_idle(instance) and not has_lost


def _lasting(row: Mapping[str, Any]) -> Status:
    return {key: value for key, value in row.items() if key not in _PASSING}


def _clock(clock: Mapping[str, Any] | None) -> Status | None:
    """Return a clock, without by how much it is off at this moment."""
    if clock is None:
        return None
    return {key: value for key, value in clock.items() if key in {"source", "synchronised"}}
