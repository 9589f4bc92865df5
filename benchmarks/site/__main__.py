"""Many agents on many hosts of this machine: start, status, idle, and messages between hosts.

``python -m benchmarks.site [PART ...] [--hosts 10] [--agents 50]`` needs root, as hosts are
namespaces of the kernel. The parts are ``many`` (all hosts at once), ``one`` (one host with 200
agents), ``light`` (1,000 light agents at one host), and ``messages`` (through one router; where a
host may have its own, also through two and three). Prints tables.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.site.many_hosts import many_hosts, memory_bytes, shares, start, used_s, wait_well
from tests.system.namespaces import OCSD, Host
from tests.system.sites.three_hosts import OPEN, ThreeHosts

ONE_HOST_AGENTS = 200
LIGHT = (250, 500, 1000)
LIGHT_PROCESSES = 4
LOOP = 200_000
SETTLE_S = 5.0
WINDOW_S = 15.0
STATUS_RUNS = 5
PASS_S = 8.0
REALM, ROOT = "test_realm", "observatory"
LOCAL_ROUTER = {"router": "local"}


def line(*cells: object) -> None:
    """Print a row of a table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells: str) -> None:
    """Print the head of a table, how busy the machine was, and how slow for it."""
    begun_s = time.process_time()
    sum(number * number for number in range(LOOP))
    spent_s = time.process_time() - begun_s
    print(f"\nload {os.getloadavg()[0]:.1f}; a fixed loop took {1e3 * spent_s:.0f} ms of CPU\n")
    line(*cells)
    line(*("---" for _ in cells))


def command(host: Host, *words: str) -> tuple[float, float, int]:
    """Return the time, the processor time (medians) [s] and exit code of a command."""
    taken = []
    for _ in range(STATUS_RUNS):
        before, begun_s = os.times(), time.monotonic()
        done = host.ocsd(*words)
        after = os.times()
        spent = (after.children_user + after.children_system) - (
            before.children_user + before.children_system
        )
        taken.append((time.monotonic() - begun_s, spent))
    return (*(statistics.median(column) for column in zip(*taken, strict=True)), done.returncode)


def of_all(hosts: Sequence[Host], agents: int) -> None:
    """Print what hosts need, when nothing happens."""
    time.sleep(SETTLE_S)
    load = os.getloadavg()[0]
    used = shares(hosts, WINDOW_S)
    memory = [memory_bytes(host) for host in hosts]
    head("idle", "hub: of a core", "hub: memory", "another host: of a core", "memory")
    for role in sorted({*used[0], *used[-1]}):
        cells = []
        for place in (0, -1):
            cells.append(f"{100 * used[place].get(role, 0.0):.1f} %")
            cells.append(f"{memory[place].get(role, 0.0) / 1e6:.0f} MB")
        line(role, *cells)
    total = sum(sum(each.values()) for each in used)
    bytes_ = sum(sum(each.values()) for each in memory)
    print(f"\nall {len(hosts)} hosts: {100 * total:.0f} % of a core, {bytes_ / 1e9:.2f} GB (PSS)")
    per_agent = [each.get("agents", 0.0) / agents for each in used]
    print(f"an agent: {1e3 * statistics.mean(per_agent):.2f} ms of CPU per second; load {load:.1f}")


def many(hosts: int, agents: int) -> None:
    """Start all hosts at the same time, and look at them."""
    with many_hosts(hosts, agents) as site:
        every = list(site.network.hosts.values())
        took_s = start(site.network)
        cpu = sum(sum(used_s(host).values()) for host in every)
        head(f"{hosts} hosts of {agents} agents", "")
        line("start of all hosts, some at a time, to all `up` and `ok`", f"{took_s:.1f} s")
        line("CPU of all processes until then", f"{cpu:.1f} s")
        for words in (("status",), ("status", "--site")):
            for host in (every[0], every[-1]):
                wall_s, cpu_s, code = command(host, *words)
                name = f"`ocsd {' '.join(words)}` on {host.name}"
                line(name, f"{wall_s:.2f} s, CPU {cpu_s:.2f} s, exit code {code}")
        of_all(every, agents)
        stopped_s = time.monotonic()
        for process in [host.begin(*OCSD, "stop", stdout=subprocess.DEVNULL) for host in every]:
            process.wait()
        print(f"\nall stopped after {time.monotonic() - stopped_s:.1f} s")


def one(agents: int) -> None:
    """Start one host with many agents, once cold and once with the router up."""
    with many_hosts(1, agents) as site:
        head(f"one host of {agents} agents", "")
        took_s = start(site.network)
        line("start, router and all, to all `up` and `ok`", f"{took_s:.1f} s")
        line("CPU of all processes until then", f"{sum(used_s(site.hub).values()):.1f} s")
        wall_s, cpu_s, code = command(site.hub, "status")
        line("`ocsd status`", f"{wall_s:.2f} s, CPU {cpu_s:.2f} s, exit code {code}")
        of_all([site.hub], agents)
        stop_s = time.monotonic()
        site.hub.ocsd("down", "--all", limit_s=120)
        line("`ocsd down --all`", f"{time.monotonic() - stop_s:.1f} s")
        before, begun_s = sum(used_s(site.hub).values()), time.monotonic()
        site.hub.ocsd("up", "--all", limit_s=300)
        took_s = wait_well([site.hub], begun_s)
        cpu = sum(used_s(site.hub).values()) - before
        line("`ocsd up --all`, router up, to all `up`", f"{took_s:.1f} s, CPU {cpu:.1f} s")


def program(host: Host, module: str, *words: object) -> "subprocess.Popen[str]":
    """Start one of our programs on a host."""
    return host.begin(
        *(sys.executable, "-m", f"benchmarks.site.{module}", *words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def light(steps: Sequence[int]) -> None:
    """Let more and more light agents join one host."""
    with many_hosts(1, 1) as site:
        start(site.network)
        head("light agents", "joined", "router", "memory", "daemon", "memory", "`status`")
        running: list[subprocess.Popen[str]] = []
        known = 0
        for goal in steps:
            each = (goal - known) // LIGHT_PROCESSES
            where = site.hub.runtime / "router.sock"
            new = [
                program(site.hub, "light_agents", where, REALM, ROOT, known + place * each, each)
                for place in range(LIGHT_PROCESSES)
            ]
            joined_s = max(float(_line(process)) for process in new)
            running += new
            known = goal
            time.sleep(SETTLE_S)
            [used] = shares([site.hub], WINDOW_S)
            memory = memory_bytes(site.hub)
            costs = [
                text
                for role in ("router", "daemon")
                for text in (f"{100 * used[role]:.0f} %", f"{memory[role] / 1e6:.0f} MB")
            ]
            wall_s, cpu_s, _ = command(site.hub, "status")
            status = f"{wall_s:.2f} s (CPU {cpu_s:.2f})"
            cells = (f"{joined_s:.1f} s", *costs, status)
            line(goal, *cells)
        for process in running:
            process.communicate("")


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def messages(bridged: bool) -> None:
    """Publish from one host to another as fast as it goes."""
    url = OPEN["wamp_server"]
    with many_hosts(3, 1, LOCAL_ROUTER if bridged else None) as site:
        start(site.network)
        hub, near, far = site.network.hosts.values()
        near_socket, far_socket = (host.runtime / "router.sock" for host in (near, far))
        ways = [("one router", near, url, far, url)]
        if bridged:
            ways.append(("a bridged pair", near, near_socket, hub, url))
            ways.append(("over three routers", near, near_socket, far, far_socket))
        head("messages", "samples", "messages/s", "CPU of a message: routers", "bridges")
        for name, publisher, there, listener, here in ways:
            for samples in (1, 100):
                passed = _pass(site, publisher, there, listener, here, samples)
                line(name, samples, *passed)


def _pass(
    site: ThreeHosts, publisher: Host, there: object, listener: Host, here: object, samples: int
) -> list[str]:
    hosts = list(site.network.hosts.values())
    listening = program(listener, "messages", "listen", here, REALM, ROOT)
    _line(listening)
    before = [used_s(host) for host in hosts]
    publishing = program(publisher, "messages", "publish", there, REALM, ROOT, PASS_S, samples)
    found = json.loads(publishing.communicate()[0])
    after = [used_s(host) for host in hosts]
    listening.communicate("")
    cells = [f"{found['messages'] / found['took_s']:,.0f}"]
    for role in ("router", "bridge"):
        spent = [
            (later.get(role, 0.0) - was.get(role, 0.0)) / found["messages"]
            for was, later in zip(before, after, strict=True)
        ]
        cells.append(" + ".join(f"{1e6 * each:.0f} us" for each in spent if each > 5e-6) or "-")
    return cells


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__)
    parts = ("many", "one", "light", "messages", "bridged")
    parser.add_argument("part", nargs="*", choices=(*parts, []), help="all if none is given")
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--agents", type=int, default=50)
    options = parser.parse_args(arguments)
    wanted = options.part or parts
    if "many" in wanted:
        many(options.hosts, options.agents)
    if "one" in wanted:
        one(ONE_HOST_AGENTS)
    if "light" in wanted:
        light(LIGHT)
    if "messages" in wanted:
        messages(bridged=False)
    if "bridged" in wanted:
        messages(bridged=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
