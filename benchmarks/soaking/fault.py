"""One fault, and what a status says of how the site does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.soaking.scene import RESTLESS

ROUTER, AGGREGATOR = "router", "aggregator"
LIMIT_S = 30.0
"""The site has to be as wanted so long after a fault, or after its end if it lasts."""

SILENCE_S = 30.0
"""An agent that says nothing for so long is ended and started again."""

Status = dict[str, Any]


@dataclass(eq=False)
class Fault:
    """One fault.

    Attributes
    ----------
    kind, target : str
        E.g. ``kill agent`` and ``fake-07``.
    do : callable
        Makes it happen.
    recovered : callable
        Takes the status and tells whether the target is as wanted again.
    starts : mapping of str to int
        Whose processes may change, and how often each may be started.
    lasts_s : float
        After so long it is undone [s].
    undo : callable
        Undoes it.
    limit_s : float
        Longest recovery from then on [s].
    begun_at : float
        When it happened [s, Unix time].
    """

    kind: str
    target: str
    do: Callable[[], None]
    recovered: Callable[[Status], bool]
    starts: dict[str, int] = field(default_factory=dict)
    lasts_s: float = 0.0
    undo: Callable[[], None] | None = None
    limit_s: float = LIMIT_S
    begun_at: float = 0.0


def rows_of(status: Status) -> dict[str, dict[str, Any]]:
    """Return the rows of a status by instance-id; the router is one of them."""
    rows = {row["instance_id"]: row for row in status["instances"]}
    return {**rows, ROUTER: {"health": "ok", "target": "up", **status["router"]}}


def is_well(row: Mapping[str, Any] | None) -> bool:
    """Whether an instance is up and nothing is wrong now."""
    return row is not None and row["state"] == "up" and row["health"] in {"ok", "unstable"}


def all_well(status: Status) -> bool:
    """Whether everything is well that does not end by itself."""
    rows = rows_of(status)
    return all(
        is_well(row)
        for name, row in rows.items()
        if name not in RESTLESS and row["target"] == "up" and row["state"] != "external"
    )


def as_wanted(status: Status, names: Iterable[str]) -> bool:
    """Whether all is well, and all these instances are there and have the target ``up``."""
    rows = rows_of(status)
    return all_well(status) and all(name in rows and rows[name]["target"] == "up" for name in names)


def is_new(status: Status, name: str, old_pid: int | None) -> bool:
    """Whether an instance is well in another process than before."""
    row = rows_of(status).get(name)
    return is_well(row) and row is not None and row["pid"] != old_pid
