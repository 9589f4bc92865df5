"""The daemon's answers, as values.

A field that the daemon leaves out has the default that stands here, so that
the command line also serves the daemon of an older or newer release.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ocsd.status import activity
from ocsd.status.activity import (
    AccessStatus,
    ClockStatus,
    DiskStatus,
    NotManaged,
    OperationStatus,
    RecordingStatus,
    WritingStatus,
)
from ocsd.system import paths
from ocsd.system.classes import WEB_CLASS

if TYPE_CHECKING:
    from ocsd.status.alarms import AlarmCounts

T = TypeVar("T")

AGGREGATOR_CLASS = "AggregatorAgent"
ROUTER, DAEMON = "router", "ocsd"
"""The names of router and daemon among those of instances."""

_ROUTER_WORKS = frozenset({"up", "external"})
"""States in which the router needs no care; another daemon or program runs an external one."""


class RouterStatus(NamedTuple):
    """The condition of the site's router, as this host sees it."""

    state: str = "unknown"
    pid: int | None = None
    url: str | None = None
    reason: str | None = None
    health: str | None = None
    uptime_s: float | None = None

    @property
    def works(self) -> bool:
        """Whether the router can be used."""
        return self.state in _ROUTER_WORKS and self.health in {None, "ok", "unstable"}

    @property
    def word(self) -> str:
        """Its state, or its health if it runs but does not work."""
        if self.works or self.state not in _ROUTER_WORKS:
            return self.state
        if self.state == "external":
            return "external, not reachable"
        return self.health or self.state


class InstanceStatus(NamedTuple):
    """The condition of one instance; None means not known or not running."""

    instance_id: str
    agent_class: str = "-"
    state: str = "unknown"
    target: str = "unknown"
    health: str | None = None
    reason: str | None = None
    since_at: float | None = None
    pid: int | None = None
    uptime_s: float | None = None
    restarts: int = 0
    cpu_percent: float | None = None
    rss_bytes: int | None = None
    log_path: str | None = None
    next_try_s: float | None = None
    data_dir: str | None = None
    layer: str | None = None
    operations: tuple[OperationStatus, ...] = ()
    sample_age_s: float | None = None
    recording: RecordingStatus | None = None
    writing: WritingStatus | None = None
    old_code: bool = False
    changed_code: str = ""
    address: str = ""

    @property
    def is_page(self) -> bool:
        """Whether it serves the page in the browser, without which nothing is missing."""
        return self.agent_class == WEB_CLASS

    @property
    def in_target(self) -> bool:
        """Whether the instance is what the operator wants it to be."""
        return self.state == self.target

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong with it while it runs."""
        return self.health in {None, "ok"}

    @property
    def lacks(self) -> tuple[OperationStatus, ...]:
        """Its operations that should or might run and do not."""
        return tuple(each for each in self.operations if each.is_over)

    @property
    def records(self) -> bool:
        """Whether it is an aggregator."""
        return self.agent_class == AGGREGATOR_CLASS

    @property
    def urgency(self) -> int:
        """Its place in a list that begins with what needs attention."""
        if not self.in_target:
            return 0
        if not self.healthy:
            return 1
        return 3 - bool(self.lacks)


class HostStatus(NamedTuple):
    """The condition of a host."""

    host: str = "?"
    version: str = "?"
    pid: int = 0
    site_file: str | None = None
    since_at: float | None = None
    router: RouterStatus = RouterStatus()
    instances: tuple[InstanceStatus, ...] = ()
    trouble: str = ""
    stopping: bool = False
    clock: ClockStatus | None = None
    access: AccessStatus = AccessStatus()
    recorders: tuple[str, ...] = ()
    """Warnings about aggregators that record the same feeds."""
    disks: tuple[DiskStatus, ...] = ()
    not_managed: tuple[NotManaged, ...] = ()
    alarms: "AlarmCounts | None" = None


def host_status(answer: Mapping[str, Any]) -> HostStatus:
    """Return the answer of ``GET /v1/status`` as a value."""
    router = _picked(RouterStatus, answer.get("router") or {})
    instances = tuple(map(instance_status, answer.get("instances", ())))
    told = {
        "router": router,
        "instances": instances,
        "clock": activity.clock(answer.get("clock")),
        "access": activity.access(answer.get("access")),
        "recorders": tuple(answer.get("recorders") or ()),
        "disks": activity.disks(answer.get("disks")),
        "alarms": _alarms(answer.get("alarms")),
        "not_managed": activity.not_managed(answer.get("not_managed")),
    }
    return _picked(HostStatus, {**answer, **told})


def _alarms(row: Mapping[str, Any] | None) -> "AlarmCounts | None":
    if row is None:
        return None
    from ocsd.status.alarms import AlarmCounts  # few sites have alarms

    told = {**row, "nothing": tuple(row.get("nothing") or ())}
    return AlarmCounts(**activity.known(AlarmCounts, told))


def instance_ids(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the instance-ids that the answer of ``GET /v1/status`` lists."""
    return tuple(str(row.get("instance_id")) for row in answer.get("instances", ()))


def journal_path(answer: Mapping[str, Any]) -> Path:
    """Return the path of the journal of the host of an answer."""
    return Path(answer.get("journal_path") or paths.of_host(answer.get("host", "")).journal)


def rows(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows of the answer by instance-id, with one each for `ROUTER` and `DAEMON`."""
    found = dict(zip(instance_ids(answer), answer.get("instances", ()), strict=True))
    return {ROUTER: _router_row(answer), DAEMON: _daemon_row(answer), **found}


def _router_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    router = answer.get("router") or {}
    row = {"instance_id": ROUTER, "agent_class": "the site's router", "target": "up", "reason": ""}
    if router.get("state") == "external":
        url = router.get("url") or "?"
        row |= {"target": "external", "reason": f"the router at {url} is not run by this daemon"}
    return row | {key: value for key, value in router.items() if key != "reason" or value}


def _daemon_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    since_at = answer.get("since_at")
    row = {
        "instance_id": DAEMON,
        "agent_class": f"the daemon, {answer.get('version', '?')}",
        "state": "up",
        "target": "up",
        "health": "ok",
        "reason": "",
        "since_at": since_at,
        "pid": answer.get("pid"),
        "uptime_s": answer.get("uptime_s"),
        "log_path": answer.get("log_path"),
    }
    if row["uptime_s"] is None and since_at is not None:
        # The daemon of an earlier release.
        row["uptime_s"] = max(0.0, time.time() - since_at)
    if answer.get("stopping"):
        row |= {"state": "stopping", "target": "down", "reason": "the host is being stopped"}
    if trouble := answer.get("trouble"):
        row |= {"health": "degraded", "reason": str(trouble)}
    return row


def instance_status(row: Mapping[str, Any]) -> InstanceStatus:
    """Return one instance of the answer as a value."""
    told = {
        "operations": activity.operations(row.get("operations")),
        "recording": activity.recording(row.get("recording")),
        "writing": activity.writing(row.get("writing")),
    }
    return _picked(InstanceStatus, {**row, **told})


def _picked(kind: type[T], data: Mapping[str, Any]) -> T:
    return kind(**activity.known(kind, data))
