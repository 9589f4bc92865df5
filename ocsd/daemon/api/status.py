"""What `ocsd status` tells: the whole truth about a host, as one JSON object."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from ocsd import __version__
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import ROUTER_NAME
from ocsd.daemon.instances.transition import Transition
from ocsd.site.data_folder import AGGREGATOR_CLASS, data_folder
from ocsd.site.model import Hub, Instance
from ocsd.supervisor.events import DownRequested, State, Target
from ocsd.supervisor.health import Health, Layer, Verdict
from ocsd.system.paths import HostPaths

SCHEMA = "ocsd.status/1"

STOPPING = "the host is being stopped"


@dataclass(slots=True)
class _Usage:
    """What a process used up to its last look."""

    process: psutil.Process
    looked_at: float
    cpu_s: float
    cpu_percent: float


class UsageMeter:
    """Measures processor time and memory of processes.

    The processor's share is that since the last look, if it is at least a
    second ago, so that a look costs two small files of /proc.
    """

    shortest_span_s = 1.0

    def __init__(self) -> None:
        self._known: dict[int, _Usage] = {}

    def look(self, pid: int) -> tuple[float | None, int | None]:
        """Return a process's share of one processor [%] and resident memory [bytes].

        Both are None for a process that is gone.
        """
        now = time.time()
        try:
            usage = self._known.get(pid)
            if usage is None or not usage.process.is_running():
                process = psutil.Process(pid)
                usage = self._known[pid] = _Usage(process, process.create_time(), 0.0, 0.0)
            with usage.process.oneshot():
                times = usage.process.cpu_times()
                rss_bytes = usage.process.memory_info().rss
        except psutil.Error:
            self._known.pop(pid, None)
            return None, None
        span_s = now - usage.looked_at
        if span_s >= self.shortest_span_s:
            cpu_s = times.user + times.system
            usage.cpu_percent = 100 * (cpu_s - usage.cpu_s) / span_s
            usage.looked_at, usage.cpu_s = now, cpu_s
        return round(usage.cpu_percent, 1), rss_bytes

    def forget_all_but(self, pids: set[int]) -> None:
        """Drop what is known of processes that are not in `pids`."""
        for pid in self._known.keys() - pids:
            del self._known[pid]


class StatusReport:
    """Assembles the status of a host.

    Parameters
    ----------
    host : str
        The host's name.
    site_file : str
        Where its entry stands.
    pid : int
        The daemon's.
    since_at : float
        When the daemon started [s, Unix time].
    hub : Hub
        The router's addresses.
    paths : HostPaths
        Where the logs are.
    fleet : Fleet
        The instances.
    waits_for : callable
        Returns the instances that one which is not started yet waits for.
    trouble : callable
        Returns what is wrong with the daemon's own records; empty if nothing is.
    start_trouble : callable
        Returns why nothing can be started or stopped now; empty if it can.
    excuse : callable
        Called before anybody is judged.
    """

    def __init__(
        self,
        host: str,
        site_file: str,
        pid: int,
        since_at: float,
        hub: Hub,
        paths: HostPaths,
        fleet: Fleet,
        waits_for: Callable[[str], tuple[str, ...]] = lambda _: (),
        trouble: Callable[[], str] = str,
        start_trouble: Callable[[], str] = str,
        excuse: Callable[[], None] = lambda: None,
    ) -> None:
        self._head = {
            "schema": SCHEMA,
            "host": host,
            "version": __version__,
            "pid": pid,
            "site_file": site_file,
            "since_at": since_at,
        }
        self._hub = hub
        self._paths = paths
        self._fleet = fleet
        self._waits_for = waits_for
        self._trouble = trouble
        self._start_trouble = start_trouble
        self._excuse = excuse
        self._meter = UsageMeter()
        self._router_put_down = ""
        fleet.observe(self._observe)

    def as_json(self) -> dict[str, Any]:
        """Return the status (schema in docs/control-api.md)."""
        self._excuse()
        rows = [self._row(instance, keeper) for instance, keeper in self._fleet]
        self._meter.forget_all_but({row["pid"] for row in rows if row["pid"]})
        return {
            **self._head,
            "stopping": self._fleet.stopping,
            "trouble": "; ".join(filter(None, (self._trouble(), self._start_trouble()))),
            "journal_path": str(self._paths.journal),
            "log_path": str(self._paths.instance_log("ocsd")),
            "hub": {
                "wamp_server": self._hub.wamp_server,
                "wamp_http": self._hub.wamp_http,
                "wamp_realm": self._hub.wamp_realm,
                "address_root": self._hub.address_root,
            },
            "router": self._router(),
            "instances": rows,
        }

    def _reason(self, instance: Instance, keeper: Keeper, verdict: Verdict) -> str:
        why_not = self._fleet.why_not(instance.instance_id)
        standing = "; ".join(filter(None, (keeper.life.reason, why_not)))
        found = self._waiting(instance, keeper) or verdict.reason or standing
        return found or (STOPPING if self._fleet.stopping else "")

    def _waiting(self, instance: Instance, keeper: Keeper) -> str:
        names = self._waits_for(instance.instance_id)
        if names:
            return f"waits for {', '.join(names)}"
        begins = keeper.life.state is State.STARTING and keeper.pid is None
        return self._start_trouble() if begins or keeper.life.state is State.STOPPING else ""

    def _router(self) -> dict[str, Any]:
        keeper = self._fleet.router
        url = self._hub.wamp_server
        if keeper is None:
            return {"state": "external", "pid": None, "health": None, "url": url, "reason": ""}
        verdict, life, started_at = keeper.verdict, keeper.life, keeper.started_at
        return {
            "state": str(life.state),
            "target": str(life.target),
            "health": None if verdict.health is None else str(verdict.health),
            "pid": keeper.pid,
            "url": url,
            "reason": verdict.reason or life.reason or self._why_no_router(keeper),
            "restarts": life.restarts,
            "since_at": keeper.since_at,
            "uptime_s": None if started_at is None else round(time.time() - started_at, 3),
            "next_try_s": keeper.next_try_s,
            "log_path": str(self._paths.instance_log(ROUTER_NAME)),
        }

    def _why_no_router(self, keeper: Keeper) -> str:
        if self._fleet.stopping:
            return STOPPING
        return self._router_put_down if keeper.life.target is Target.DOWN else ""

    def _observe(self, transition: Transition) -> None:
        """Remember who put the router down; what is wanted of instances is kept elsewhere."""
        event = transition.event
        if transition.name == ROUTER_NAME and isinstance(event, DownRequested) and event.by:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(transition.at))
            self._router_put_down = (
                f"put down on {at} by {event.by}; `ocsd up {ROUTER_NAME}` starts it"
            )

    def _verdict(self, keeper: Keeper) -> Verdict:
        """Return how an instance does; nobody can call it while the router hangs."""
        router, verdict = self._fleet.router, keeper.verdict
        if verdict.health is Health.OK and router is not None and keeper.life.state is State.UP:
            its = router.verdict
            if its.health is Health.HUNG:
                return Verdict(Health.DEGRADED, f"the router hangs: {its.reason}", Layer.CALL)
        return verdict

    def _row(self, instance: Instance, keeper: Keeper) -> dict[str, Any]:
        life = keeper.life
        verdict = self._verdict(keeper)
        cpu_percent, rss_bytes = (
            (None, None) if keeper.pid is None else self._meter.look(keeper.pid)
        )
        started_at = keeper.started_at
        recorded = {}
        if instance.agent_class == AGGREGATOR_CLASS:
            recorded["data_dir"] = str(data_folder(instance.arguments, self._paths.state))
        return {
            "instance_id": instance.instance_id,
            "agent_class": instance.agent_class,
            "state": str(life.state),
            "target": str(self._fleet.target(instance.instance_id)),
            "health": None if verdict.health is None else str(verdict.health),
            "layer": None if verdict.layer is None else str(verdict.layer),
            "reason": self._reason(instance, keeper, verdict),
            "since_at": keeper.since_at,
            "pid": keeper.pid,
            "uptime_s": None if started_at is None else round(time.time() - started_at, 3),
            "restarts": life.restarts,
            "cpu_percent": cpu_percent,
            "rss_bytes": rss_bytes,
            "next_try_s": keeper.next_try_s,
            "log_path": str(self._paths.instance_log(instance.instance_id)),
            **recorded,
        }
