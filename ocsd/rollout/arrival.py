"""Whether a host has come up after a reload."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ocsd.status.replies import HostStatus, InstanceStatus

MOST_ENDS: Final = 3
"""Number of times that an instance may end before it counts as one that does not come up."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A host on its way: nothing `waits` and nothing `failed` when it has arrived."""

    waits: tuple[str, ...] = ()
    """Instances that are still on their way, ``NAME: how it is``."""
    failed: tuple[str, ...] = ()
    """Instances that will not come."""


def arrival(
    effects: Mapping[str, str],
    before: HostStatus,
    now: HostStatus,
    steady_s: float,
    past_s: float = math.inf,
) -> Arrival:
    """Judge a host after a reload.

    Parameters
    ----------
    effects : mapping
        The effects of the reload by instance-id, as the daemon has told them.
    before, now : HostStatus
        The host just before the reload, and now.
    steady_s : float
        How long an instance that was started has to run before it has come up, and one that goes on
        with other limits before it is known to keep to them [s].
    past_s : float
        Time since the reload [s].
    """
    earlier = {each.instance_id: each for each in before.instances}
    waits: list[str] = []
    failed: list[str] = []
    for row in now.instances:
        was, effect = earlier.get(row.instance_id), effects.get(row.instance_id, "")
        if _is_new(row, was, effect) and _will_not(row, was):
            failed.append(_told(row))
        else:
            waits += _on_its_way(row, was, effect, steady_s, past_s)
    waits += _router(before, now)
    return Arrival(tuple(waits), tuple(failed))


def recounted(before: HostStatus, now: HostStatus) -> HostStatus:
    """Return `before` with the restarts until now, from which those to come are counted."""
    restarts = {each.instance_id: each.restarts for each in now.instances}
    rows = (
        each._replace(restarts=restarts.get(each.instance_id, each.restarts))
        for each in before.instances
    )
    return before._replace(instances=tuple(rows))


def _will_not(row: InstanceStatus, was: InstanceStatus | None) -> bool:
    ended = row.restarts - (was.restarts if was else 0)
    return row.state == "failed" or ended >= MOST_ENDS


def _is_new(row: InstanceStatus, was: InstanceStatus | None, effect: str) -> bool:
    """Return whether an instance is started by the reload, or again because of a new limit."""
    was_ended = was is not None and row.since_at != was.since_at
    return effect in {"starts", "restarts"} or (effect == "goes on" and was_ended)


def _on_its_way(
    row: InstanceStatus, was: InstanceStatus | None, effect: str, steady_s: float, past_s: float
) -> Iterator[str]:
    """Yield how an instance is, if it has not come up yet, or should and may not stay so."""
    if effect == "goes on" and past_s < steady_s and row.in_target:
        yield f"{row.instance_id}: its limits were changed just now"
    elif _is_new(row, was, effect):
        if not _has_come(row, was, effect, steady_s):
            yield _told(row)
    elif (effect == "ends" and row.state != "down") or _got_worse(row, was):
        yield _told(row)


def _has_come(
    row: InstanceStatus, was: InstanceStatus | None, effect: str, steady_s: float
) -> bool:
    if row.state == row.target == "down":
        return True  # a job that is done, or put down meanwhile
    # By the time, for the registry is restarted within one process.
    is_old = effect == "restarts" and was is not None and row.since_at == was.since_at
    is_well = row.state == row.target == "up" and row.healthy
    return is_well and not is_old and (row.uptime_s or 0.0) >= steady_s


def _got_worse(row: InstanceStatus, was: InstanceStatus | None) -> bool:
    """Return whether an instance that nothing touched was well before, and is not."""
    was_well = was is not None and was.in_target and was.healthy
    return was_well and not (row.in_target and row.healthy) and row.target == "up"


def _router(before: HostStatus, now: HostStatus) -> Iterator[str]:
    if before.router.works and not now.router.works:
        yield f"router: {now.router.word}"


def _told(row: InstanceStatus) -> str:
    how = row.state if row.healthy else f"{row.state}, {row.health}"
    return ": ".join(filter(None, (row.instance_id, how, row.reason)))
