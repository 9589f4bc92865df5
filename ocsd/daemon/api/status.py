"""The report behind `ocsd status`: the whole truth about a host, as one JSON object."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocsd import __version__
from ocsd.daemon.api.evaluator import alarms_of
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME, why_left_alone
from ocsd.daemon.surroundings.clock import ClockOffset
from ocsd.site.model import IN_CONTAINERS, Hub, Instance, word_of
from ocsd.site.recording import AGGREGATOR_CLASS, data_folder
from ocsd.supervisor.events import State
from ocsd.supervisor.health import Health, Layer, Verdict
from ocsd.system.classes import ALARMS_CLASS, WEB_CLASS
from ocsd.system.paths import HostPaths
from ocsd.system.proc import age_s, usage_of
from ocsd.text.logins import without_logins

SCHEMA = "ocsd.status/1"

HOST_STOPPING = "the host is being stopped"


@dataclass(slots=True)
class _Usage:
    """The resources that a process had used when it was last measured."""

    start_ticks: int
    """When the process was started: another one may have its number later."""
    measured_s: float
    """When that was [s, monotonic]."""
    cpu_s: float
    cpu_percent: float


class UsageMeter:
    """Measures processor time and memory of processes.

    The processor's share is that since the last measurement, if that is at least a
    second old, so that one costs a small file of /proc.
    """

    shortest_span_s = 1.0

    def __init__(self) -> None:
        self._usages: dict[int, _Usage] = {}

    def measure(self, pid: int | None) -> tuple[float | None, int | None]:
        """Return a process's share of one processor [%] and resident memory [bytes].

        Both are None if there is no such process.
        """
        if pid is None:
            return None, None
        now_s, used = time.monotonic(), usage_of(pid)
        if used is None:
            self._usages.pop(pid, None)
            return None, None
        usage = self._usages.get(pid)
        if usage is None or usage.start_ticks != used.start_ticks:
            began_s = now_s - (age_s(pid) or 0.0)
            usage = self._usages[pid] = _Usage(used.start_ticks, began_s, 0.0, 0.0)
        span_s = now_s - usage.measured_s
        if span_s >= self.shortest_span_s:
            usage.cpu_percent = 100 * (used.cpu_s - usage.cpu_s) / span_s
            usage.measured_s, usage.cpu_s = now_s, used.cpu_s
        return round(usage.cpu_percent, 1), used.rss_bytes

    def forget_all_but(self, pids: set[int]) -> None:
        """Drop the measurements of processes that are not in `pids`."""
        for pid in self._usages.keys() - pids:
            del self._usages[pid]


@dataclass(eq=False)
class StatusReport:
    """Assembles the status of a host."""

    host: str
    site_file: str
    pid: int
    since_at: float
    """The time when the daemon started [s, Unix time]."""
    hub: Hub
    paths: HostPaths
    fleet: Fleet
    waits_for: Callable[[str], tuple[str, ...]] = lambda _: ()
    """Returns the instances for which an instance waits before it starts."""
    doing: Callable[[str], str] = lambda _: ""
    """Returns what docker compose does to start an instance; empty if nothing."""
    trouble: Callable[[], str] = str
    """Returns the fault of the daemon's own records; empty if there is none."""
    start_trouble: Callable[[], str] = str
    """Returns why nothing can be started or stopped now; empty if it can."""
    clock_offset: Callable[[], ClockOffset | None] = lambda: None
    """Returns how far the clock is off, if that is known."""
    left_alone: Callable[[], Sequence[Instance]] = tuple
    """Returns the entries of the host that something else runs."""
    excuse: Callable[[], None] = lambda: None
    """Called before the health of instances is judged."""
    router_away_s: Callable[[], float] = lambda: 0.0
    """Returns for how long a router that is not run here was not reachable [s]."""
    code_at: float = 0.0
    """When ocsd's own code was last written to the disk [s, Unix time]."""
    disks: Callable[[], list[dict[str, Any]]] = list
    """Returns the disks of data, state and logs (`ocsd.daemon.watching.disks`)."""
    audit: Callable[[], dict[str, Any]] = dict
    """Returns the end of the chain of the audit journal."""
    access: Callable[[], dict[str, Any]] = dict
    """Returns whether the site is closed, and warnings (`ocsd.daemon.surroundings.keys`)."""
    recorders: Callable[[], list[str]] = list
    """Returns warnings of aggregators that record the same feeds."""
    site: Callable[[], dict[str, Any]] = dict
    """Returns what hosts compare with each other (`ocsd.daemon.site.face`)."""
    _meter: UsageMeter = field(default_factory=UsageMeter, init=False)
    _began_s: float = field(default_factory=time.monotonic, init=False)

    def as_json(self) -> dict[str, Any]:
        """Return the status (schema in docs/reference/control-api.md)."""
        rows = self._rows()
        self._meter.forget_all_but({row["pid"] for row in rows if row["pid"]})
        for row in rows:
            row["cpu_percent"], row["rss_bytes"] = self._meter.measure(row["pid"])
        return self._with(rows)

    def unmeasured(self) -> dict[str, Any]:
        """Return the status without what its processes use, which is a third of its cost."""
        return self._with(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        self.excuse()
        return [self._row(instance, keeper) for instance, keeper in self.fleet]

    def _with(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        offset = self.clock_offset()
        return {
            "schema": SCHEMA,
            "host": self.host,
            "version": __version__,
            "pid": self.pid,
            "site_file": self.site_file,
            "since_at": self.since_at,
            "uptime_s": round(time.monotonic() - self._began_s, 3),
            "stopping": self.fleet.stopping,
            "trouble": "; ".join(filter(None, (self.trouble(), self.start_trouble()))),
            "journal_path": str(self.paths.journal),
            "log_path": str(self.paths.instance_log("ocsd")),
            "audit": self.audit(),
            **self._hub(),
            "clock": offset and offset.as_json(),
            "disks": self.disks(),
            "access": self.access(),
            "recorders": self.recorders(),
            "site": self.site(),
            "router": self._router(),
            "instances": rows,
            "not_managed": [_not_managed(each) for each in self.left_alone()],
            **alarms_of(self.fleet),
        }

    def _reason(self, instance: Instance, keeper: Keeper, verdict: Verdict) -> str:
        why_down = self.fleet.wish(instance.instance_id).why_down(keeper.life)
        standing = "; ".join(filter(None, (keeper.life.reason, why_down)))
        reason = self._waiting(instance, keeper) or verdict.reason or standing
        if not reason and self.fleet.stopping:
            return HOST_STOPPING
        return without_logins(reason)

    def _waiting(self, instance: Instance, keeper: Keeper) -> str:
        names = self.waits_for(instance.instance_id)
        if names:
            return f"waits for {', '.join(names)}"
        begins = keeper.life.state is State.STARTING and keeper.pid is None
        if begins or keeper.life.state is State.STOPPING:
            return self.doing(instance.instance_id) or self.start_trouble()
        return ""

    def _hub(self) -> dict[str, Any]:
        """Return the router's addresses, and whether a login was left out of them."""
        shown = {key: without_logins(text) for key, text in self.hub.addresses.items()}
        if shown == self.hub.addresses:
            return {"hub": shown}
        return {"hub": shown, "hub_needs_login": True}

    def _router(self) -> dict[str, Any]:
        keeper = self.fleet.router
        url = without_logins(self.hub.wamp_server)
        if keeper is None:
            return self._external_router()
        verdict, life = keeper.verdict, keeper.life
        return {
            **self._common(keeper, verdict),
            "target": str(life.target),
            "url": url,
            "reason": without_logins(verdict.reason or life.reason or self._why_no_router(keeper)),
        }

    def _external_router(self) -> dict[str, Any]:
        url, away_s = without_logins(self.hub.wamp_server), self.router_away_s()
        row = {"state": "external", "pid": None, "health": None, "url": url, "reason": ""}
        if not away_s:
            return row
        reason = f"the router at {url}, which is not run by this daemon, is not reachable for "
        return row | {"health": "unreachable", "reason": f"{reason}{away_s:.0f} s"}

    def _why_no_router(self, keeper: Keeper) -> str:
        if self.fleet.stopping:
            return HOST_STOPPING
        return self.fleet.wish(ROUTER_NAME).why_down(keeper.life)

    def _verdict(self, keeper: Keeper) -> Verdict:
        """Return how an instance does; it cannot be called while the router hangs."""
        router, verdict = self.fleet.router, keeper.verdict
        if keeper in self.fleet.pages():
            return verdict
        if verdict.health is Health.OK and router is not None and keeper.life.state is State.UP:
            hang = router.verdict
            if hang.health is Health.HUNG:
                return Verdict(Health.DEGRADED, f"the router hangs: {hang.reason}", Layer.CALL)
        return verdict

    def _row(self, instance: Instance, keeper: Keeper) -> dict[str, Any]:
        verdict = self._verdict(keeper)
        is_boxed = instance.manage in IN_CONTAINERS
        row = {
            **self._common(keeper, verdict),
            "instance_id": instance.instance_id,
            "agent_class": instance.agent_class,
            "target": str(self.fleet.target(instance.instance_id)),
            "layer": verdict.layer and str(verdict.layer),
            "reason": self._reason(instance, keeper, verdict),
            "cpu_percent": None,
            "rss_bytes": None,
            **keeper.activity.as_json(keeper.clock.seconds()),
            "waits_for_router": (
                keeper.report.reports
                and not keeper.report.ready
                and instance.agent_class not in {WEB_CLASS, ALARMS_CLASS}
                and not is_boxed
            ),
        }
        if keeper.started_at is not None and not is_boxed:
            # After an upgrade, it goes on with the release that it was started with. What this
            # daemon has started runs the present one, whatever the clock said at its start.
            row["old_code"] = keeper.adopted and keeper.started_at < self.code_at
        if instance.agent_class == AGGREGATOR_CLASS and not is_boxed:
            row["data_dir"] = str(data_folder(instance.arguments, self.paths.state))
        return row

    def _common(self, keeper: Keeper, verdict: Verdict) -> dict[str, Any]:
        """Return the facts that are reported of the router as well as of instances."""
        uptime_s = keeper.uptime_s
        if uptime_s is not None:
            uptime_s = round(uptime_s, 3)
        return {
            "state": str(keeper.life.state),
            "health": verdict.health and str(verdict.health),
            "pid": keeper.pid,
            "restarts": keeper.life.restarts,
            "since_at": keeper.since_at,
            "uptime_s": uptime_s,
            "next_try_s": keeper.next_try_s,
            "log_path": str(self.paths.instance_log(keeper.instance_id)),
        }


def _not_managed(entry: Instance) -> dict[str, Any]:
    return {
        "instance_id": entry.instance_id,
        "agent_class": entry.agent_class,
        "manage": word_of(entry.manage),
        "reason": f"not managed here: {why_left_alone(entry)}",
    }
