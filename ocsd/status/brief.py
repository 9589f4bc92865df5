"""The status of a host in brief, as daemons tell it to each other (docs/reference/wire.md).

Of instances that are well only their names are kept, and nothing that changes by itself. So it is
less than a tenth of the whole, and the same as before as long as nothing happens on the host.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ocsd.status import replies
from ocsd.status.verdict import is_idle, is_well

_OF_HOST: Final = (
    *("schema", "host", "version", "pid", "since_at", "stopping", "trouble", "alarms"),
    *("not_managed", "site_file"),
)
_OF_ROUTER: Final = ("state", "health", "url", "reason", "target", "pid", "since_at")
_PASSING: Final = frozenset({"cpu_percent", "rss_bytes", "log_path", "sample_age_s"})
"""Fields of an instance that no line of the site shows."""
_GROUP: Final = ("agent_class", "state", "health")
"""The facts that instances of a group share; their `target` is their `state`."""
_WHEN: Final = "at"
"""The time of the host's clock at which a status was made, in `site`."""

Status = dict[str, Any]


def brief(status: Mapping[str, Any]) -> Status:
    """Return the answer of ``GET /v1/status`` in brief."""
    rows = [(row, _says_nothing(row)) for row in status.get("instances", ())]
    return {
        **_only(status, _OF_HOST),
        "router": _only(status.get("router") or {}, _OF_ROUTER),
        "site": _without(status.get("site") or {}, frozenset({_WHEN})),
        "clock": _clock(status.get("clock")),
        "disks": list(filter(_is_warned_of, status.get("disks") or ())),
        "instances": [_without(row, _PASSING) for row, is_quiet in rows if not is_quiet],
        "well": _grouped(row for row, is_quiet in rows if is_quiet),
    }


def _only(told: Mapping[str, Any], keys: Sequence[str]) -> Status:
    return {key: told[key] for key in keys if key in told}


def _grouped(rows: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        group = tuple(row.get(key) for key in _GROUP)
        groups.setdefault(group, []).append(row["instance_id"])
    return [[*group, names] for group, names in groups.items()]


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


def _says_nothing(row: Mapping[str, Any]) -> bool:
    instance = replies.instance_status(row)
    told = instance.recording
    has_lost = told is not None and told.lost_holes
    return is_well(instance) and not is_idle(instance) and not has_lost


def _without(told: Mapping[str, Any], keys: frozenset[str]) -> Status:
    return {key: value for key, value in told.items() if key not in keys}


def _is_warned_of(disk: Mapping[str, Any]) -> bool:
    return bool(disk.get("warning"))


def _clock(clock: Mapping[str, Any] | None) -> Status | None:
    """Return a clock, without by how much it is off at this moment."""
    if clock is None:
        return None
    return {key: value for key, value in clock.items() if key in {"source", "synchronised"}}
