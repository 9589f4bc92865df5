"""What the daemon answers, as values.

A field that the daemon leaves out has the default that stands here, so that
the command line also serves the daemon of an older or newer release.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

T = TypeVar("T")

# States of the router in which there is nothing to do about it; `external` is
# a router that somebody else runs.
_ROUTER_WORKS = frozenset({"up", "external"})


@dataclass(frozen=True, slots=True)
class RouterStatus:
    """How the site's router is doing, as this host sees it."""

    state: str = "unknown"
    pid: int | None = None
    url: str | None = None
    reason: str | None = None
    health: str | None = None

    @property
    def works(self) -> bool:
        """Whether the router can be used."""
        return self.state in _ROUTER_WORKS and self.health in {None, "ok", "unstable"}

    @property
    def word(self) -> str:
        """Its state, or what is wrong with it although it runs."""
        ails = self.state in _ROUTER_WORKS and not self.works
        return self.health if ails and self.health else self.state


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """How one instance is doing; times are Unix times, None is not known or not running."""

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

    @property
    def in_target(self) -> bool:
        """Whether the instance is what the operator wants it to be."""
        return self.state == self.target

    @property
    def healthy(self) -> bool:
        """Whether there is no complaint about a running instance."""
        return self.health in {None, "ok"}

    @property
    def urgency(self) -> int:
        """Where it stands in a list that begins with what needs attention."""
        if not self.in_target:
            return 0
        return 2 if self.healthy else 1


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How a host is doing."""

    host: str
    version: str
    pid: int
    site_file: str | None
    router: RouterStatus
    instances: tuple[InstanceStatus, ...]
    trouble: str = ""
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """An instance that changed its state."""

    instance_id: str
    state: str = "unknown"
    reason: str | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a request for one instance."""

    instance_id: str
    ok: bool = False
    state: str = "unknown"
    reason: str | None = None
    took_s: float = 0.0
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An instance that a request for all leaves as it is."""

    instance_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The host has ended everything; its daemon ends now."""

    took_s: float = 0.0


Event = StateChange | Result | LeftOut | Stopped


def host_status(answer: Mapping[str, Any]) -> HostStatus:
    """Return the answer of ``GET /v1/status`` as a value."""
    return HostStatus(
        host=str(answer.get("host", "?")),
        version=str(answer.get("version", "?")),
        pid=int(answer.get("pid", 0)),
        site_file=answer.get("site_file"),
        router=_picked(RouterStatus, answer.get("router") or {}),
        instances=tuple(instance_status(one) for one in answer.get("instances", ())),
        trouble=str(answer.get("trouble", "")),
        stopping=bool(answer.get("stopping", False)),
    )


def rows(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the answer says of each instance, by name, and of `router` and `ocsd`."""
    found = {str(one.get("instance_id")): one for one in answer.get("instances", ())}
    return {"router": _router_row(answer), "ocsd": _daemon_row(answer), **found}


def _router_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    router = answer.get("router") or {}
    state = router.get("state", "unknown")
    why = f"the router at {router.get('url') or '?'} is not run by this daemon"
    row = {
        "instance_id": "router",
        "agent_class": "the site's router",
        "target": state if state == "external" else "up",
        **router,
    }
    return {**row, "reason": router.get("reason") or (why if state == "external" else "")}


def _daemon_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    since_at = answer.get("since_at")
    trouble = str(answer.get("trouble", ""))
    stopping = bool(answer.get("stopping"))
    return {
        "instance_id": "ocsd",
        "agent_class": f"the daemon, {answer.get('version', '?')}",
        "state": "stopping" if stopping else "up",
        "target": "down" if stopping else "up",
        "health": "degraded" if trouble else "ok",
        "reason": trouble or ("the host is being stopped" if stopping else ""),
        "since_at": since_at,
        "pid": answer.get("pid"),
        "uptime_s": None if since_at is None else max(0.0, time.time() - since_at),
        "log_path": answer.get("log_path"),
    }


def instance_status(row: Mapping[str, Any]) -> InstanceStatus:
    """Return one instance of the answer as a value."""
    return _picked(InstanceStatus, row)


def event(line: Mapping[str, Any]) -> Event | None:
    """Return one line of a streamed answer as a value; None if its kind is not known here."""
    match line.get("event"):
        case "transition":
            return _picked(StateChange, line)
        case "result":
            return _picked(Result, line)
        case "left_out":
            return _picked(LeftOut, line)
        case "stopped":
            return _picked(Stopped, line)
        case _:
            return None


def _picked(kind: type[T], data: Mapping[str, Any]) -> T:
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]  # all are dataclasses
    return kind(**{name: data[name] for name in names if name in data})
