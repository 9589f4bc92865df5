"""The stop watch: the same steps, in the same order, for either side."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from benchmarks.processes import EndWatch, cpu_s, family, pss_bytes, running_s
from benchmarks.site import instance_ids
from benchmarks.supervising.observer import Observer
from benchmarks.supervising.side import Side

OP = "acq"
START_LIMIT_S = 300.0
AGAIN_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0
STATUS_RUNS = 5

BETWEEN_KILLS_S = 1.0
"""Time before each kill [s]: a host at rest, of which one agent dies."""

OF_AGENTS = "agents"
OF_SUPERVISORS = "supervisors"
OF_ROUTER = "router"
"""Roles of processes in the figures of processor time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    agents: int = 50
    restarts: int = 20
    cpu_window_s: float = 20.0
    settle_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one side; times in seconds."""

    name: str
    agents: int
    start_s: float
    """Command issued to the last agent's first heartbeat that says running."""
    start_sessions_s: float
    """Command issued to the last session's own note that it runs, which is finer."""
    kill_s: list[float]
    restart_s: list[float]
    others_kept_their_pids: bool
    agent_pss_bytes: float
    supervisor_pss_bytes: dict[str, int]
    service_pss_bytes: dict[str, int]
    acquiring_cpu_percent: float
    idle_cpu_percent: float
    stop_s: float
    status_s: list[float]
    start_cpu_s: dict[str, float] = field(default_factory=dict)
    """Processor time of the start by role, from each process's beginning; the router's from the
    command on. The command itself is not in it."""
    idle_parts_percent: dict[str, float] = field(default_factory=dict)
    """Share of a core that idle agents take, by role and for each agent [%]."""

    @property
    def kill_median_s(self) -> float:
        """The median over the agents that were killed."""
        return statistics.median(self.kill_s)

    @property
    def restart_median_s(self) -> float:
        """The median over the agents whose restart was asked for."""
        return statistics.median(self.restart_s)


def measure(side: Side, observer: Observer, plan: Plan, router_pid: int) -> Figures:
    """Run the site on one side, measure it and end it.

    Parameters
    ----------
    side : Side
        What to measure.
    observer : Observer
        Who looks.
    plan : Plan
        How much.
    router_pid : int
        The router, whose children do its work.

    Returns
    -------
    Figures
        All figures of the side.
    """
    ids = instance_ids(plan.agents)
    chosen = ids[:: max(1, plan.agents // plan.restarts)][: plan.restarts]
    try:
        side.prepare()
        router = family(router_pid)
        router_s = _cpu_s(router)
        _say(f"{side.name}: starting {plan.agents} agents")
        start_s, start_sessions_s = _start(side, observer, ids)
        router_s = _cpu_s(router) - router_s
        before = {instance_id: observer.pid(instance_id) for instance_id in ids}
        start_cpu_s = {OF_AGENTS: _cpu_s(before.values()), OF_ROUTER: router_s}
        side.launched()
        supervisors = side.supervisors(before)
        start_cpu_s |= {role: cpu_s(pid) for role, pid in supervisors.items()}
        time.sleep(plan.settle_s)
        services = side.services(before)
        _say(f"{side.name}: all running after {start_s:.2f} s; memory, processor, status")
        agent_pss = sum(pss_bytes(pid) for pid in before.values()) / plan.agents
        supervisor_pss = {role: pss_bytes(pid) for role, pid in supervisors.items()}
        service_pss = {role: pss_bytes(pid) for role, pid in services.items()}
        acquiring = _cpu_percent(_groups(before, supervisors, router), plan)
        status_s = [_status(side) for _ in range(STATUS_RUNS)]

        _say(f"{side.name}: kill -9 of {len(chosen)} agents, one by one")
        kill_s = []
        for instance_id in chosen:
            time.sleep(BETWEEN_KILLS_S)
            kill_s.append(_kill(observer, instance_id, before[instance_id]))
        _say(f"{side.name}: median {statistics.median(kill_s):.3f} s; now {len(chosen)} restarts")
        restart_s = [_restart(side, observer, instance_id) for instance_id in chosen]
        after = {instance_id: observer.pid(instance_id) for instance_id in ids}

        _say(f"{side.name}: median {statistics.median(restart_s):.3f} s; all idle, then stop")
        idle = _idle_percent(observer, _groups(after, supervisors, router), after, plan)
        stop_s = _stop(side, after)
        _say(f"{side.name}: all gone after {stop_s:.2f} s")
    finally:
        side.close()
    return Figures(
        name=side.name,
        agents=plan.agents,
        start_s=start_s,
        start_sessions_s=start_sessions_s,
        kill_s=kill_s,
        restart_s=restart_s,
        others_kept_their_pids=_others_kept(before, after, chosen),
        agent_pss_bytes=agent_pss,
        supervisor_pss_bytes=supervisor_pss,
        service_pss_bytes=service_pss,
        acquiring_cpu_percent=acquiring[OF_AGENTS] + acquiring[OF_SUPERVISORS],
        idle_cpu_percent=idle[OF_AGENTS] + idle[OF_SUPERVISORS],
        stop_s=stop_s,
        status_s=status_s,
        start_cpu_s=start_cpu_s,
        idle_parts_percent=idle,
    )


def _start(side: Side, observer: Observer, ids: list[str]) -> tuple[float, float]:
    observer.forget()
    begin_at, begin_s = time.time(), time.monotonic()
    side.launch()
    end_s = observer.wait_running(ids, OP, START_LIMIT_S)
    running_at = max(_running_since(observer.session(instance_id, OP)) for instance_id in ids)
    return end_s - begin_s, running_at - begin_at


def _running_since(session: Mapping[str, object]) -> float:
    """Return when an operation noted that it runs (texts: docs/reference/wire.md)."""
    messages = session["messages"]
    assert isinstance(messages, list)
    return next(float(at) for at, text in messages if text == 'Status is now "running".')


def _kill(observer: Observer, instance_id: str, pid: int) -> float:
    begin_at, begin_s = time.time(), time.monotonic()
    os.kill(pid, signal.SIGKILL)
    return observer.poll_running(instance_id, OP, begin_at, AGAIN_LIMIT_S) - begin_s


def _restart(side: Side, observer: Observer, instance_id: str) -> float:
    begin_at, begin_s = time.time(), time.monotonic()
    side.restart(instance_id)
    return observer.poll_running(instance_id, OP, begin_at, AGAIN_LIMIT_S) - begin_s


def _others_kept(before: Mapping[str, int], after: Mapping[str, int], chosen: list[str]) -> bool:
    return all(before[key] == after[key] for key in before if key not in chosen)


def _cpu_s(pids: Iterable[int]) -> float:
    return sum(map(cpu_s, pids))


def _groups(
    agents: Mapping[str, int], supervisors: Mapping[str, int], router: list[int]
) -> dict[str, list[int]]:
    return {
        OF_AGENTS: list(agents.values()),
        OF_SUPERVISORS: list(supervisors.values()),
        OF_ROUTER: router,
    }


def _cpu_percent(groups: Mapping[str, list[int]], plan: Plan) -> dict[str, float]:
    """Return the share of one core that groups of processes use, for each agent [%]."""
    begin_s = time.monotonic()
    used_s = {role: sum(map(running_s, pids)) for role, pids in groups.items()}
    time.sleep(plan.cpu_window_s)
    used_s = {role: sum(map(running_s, pids)) - used_s[role] for role, pids in groups.items()}
    took_s = time.monotonic() - begin_s
    return {role: 100 * used / took_s / plan.agents for role, used in used_s.items()}


def _idle_percent(
    observer: Observer,
    groups: Mapping[str, list[int]],
    agents: Mapping[str, int],
    plan: Plan,
) -> dict[str, float]:
    """Stop all operations, measure, start ``acq`` again."""
    for instance_id in agents:
        for op in (OP, "count"):
            observer.ops(instance_id, "stop", op)
    _wait_done(observer, agents)
    time.sleep(plan.settle_s)
    percent = _cpu_percent(groups, plan)
    begin_at = time.time()
    for instance_id in agents:
        observer.ops(instance_id, "start", OP)
    for instance_id in agents:
        observer.poll_running(instance_id, OP, begin_at, AGAIN_LIMIT_S)
    return percent


def _wait_done(observer: Observer, agents: Mapping[str, int]) -> None:
    deadline = time.monotonic() + STOP_LIMIT_S
    for instance_id in agents:
        while observer.session(instance_id, OP).get("status") != "done":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{OP} of {instance_id} did not stop in {STOP_LIMIT_S:g} s")
            time.sleep(0.02)


def _stop(side: Side, agents: Mapping[str, int]) -> float:
    watch = EndWatch(agents.values())
    try:
        begin_s = time.monotonic()
        side.stop_all()
        return watch.wait(STOP_LIMIT_S) - begin_s
    finally:
        watch.close()


def _status(side: Side) -> float:
    begin_s = time.monotonic()
    done = subprocess.run(
        side.status_command(), env=side.environment(), capture_output=True, text=True
    )
    took_s = time.monotonic() - begin_s
    if done.returncode != 0:
        raise RuntimeError(f"{done.args} ended with {done.returncode}: {done.stderr}")
    return took_s


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
