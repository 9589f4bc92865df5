"""Hosts of namespaces that run many agents, and what their processes cost."""

import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.processes import cpu_s, pss_bytes
from tests.system.namespaces import Host, Network, network
from tests.system.sites.three_hosts import OPEN, ThreeHosts, content

START_LIMIT_S = 500.0


def names(hosts: int) -> tuple[str, ...]:
    """Return the names of hosts; the first has the router."""
    return ("hub", *(f"host-{number}" for number in range(2, hosts + 1)))


def idle_agents(host: str, count: int) -> list[dict[str, object]]:
    """Return the entries of agents that wait for somebody to start an operation."""
    return [
        {
            "agent-class": "FakeDataAgent",
            "instance-id": f"{host}-{number:03}",
            "arguments": ["--mode", "idle"],
        }
        for number in range(1, count + 1)
    ]


@contextmanager
def many_hosts(
    hosts: int, agents: int, keys: Mapping[str, object] | None = None
) -> Iterator[ThreeHosts]:
    """Make a site of so many hosts with so many agents each, switched on but not started.

    Parameters
    ----------
    hosts, agents : int
        How many hosts, and agents on each.
    keys : mapping, optional
        More keys of each host but the hub.
    """
    every = names(hosts)
    rows = {name: idle_agents(name, agents) for name in every}
    more = {name: dict(keys or {}) for name in every[1:]}
    with network() as net:
        net.forks = False  # what is measured are commands as people issue them
        site = ThreeHosts(net, content(OPEN, rows, more), every)
        site.make()
        yield site


def wait_well(hosts: Sequence[Host], since_s: float) -> float:
    """Wait until everything on hosts is up and well; return how long that took [s].

    Raises
    ------
    TimeoutError
        If it takes longer than eight minutes.
    """
    waiting = list(hosts)
    while waiting:
        waiting = [host for host in waiting if not _is_well(host)]
        if time.monotonic() > since_s + START_LIMIT_S:
            raise TimeoutError(f"not well: {[host.name for host in waiting]}")
        time.sleep(0.1)
    return time.monotonic() - since_s


def _is_well(host: Host) -> bool:
    try:
        return bool(host.is_well())
    except Exception:  # noqa: BLE001 - the daemon does not listen yet
        return False


def start(net: Network) -> float:
    """Start the daemons, the hub's first, as many at a time as there are cores.

    Real hosts have cores of their own: all at once, they would hold each other up here.

    Returns
    -------
    float
        When all is up and well [s].
    """
    begun_s = time.monotonic()
    hub, *others = net.hosts.values()
    hub.bring_up(START_LIMIT_S)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda host: host.bring_up(START_LIMIT_S), others))
    return wait_well([hub, *others], begun_s)


def roles(host: Host) -> dict[str, list[int]]:
    """Return the pids of a host's processes by what they are."""
    own = os.readlink(f"/proc/{host._pid}/ns/pid")  # noqa: SLF001 - the rig's, for us as for it
    found = defaultdict(list)
    for pid in psutil.pids():
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == own:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[_role(words)].append(pid)
        except OSError:
            continue
    return found


def _role(words: str) -> str:
    for role, pattern in (
        ("router", "crossbar"),
        ("bridge", r"ocsd: bridge|ocsd\.bridge"),
        ("aggregator", "ocsd: aggregator"),
        ("agents", "ocsd: "),
        ("fork server", r"ocsd\.forkserver"),
        ("daemon", r"ocsd\.daemon"),
    ):
        if re.search(pattern, words):
            return role
    return "other"


def used_s(host: Host) -> dict[str, float]:
    """Return the processor time of a host's processes so far, by what they are [s]."""
    return {role: sum(map(_cpu_s, pids)) for role, pids in roles(host).items()}


def _cpu_s(pid: int) -> float:
    try:
        return cpu_s(pid)
    except OSError:
        return 0.0


def memory_bytes(host: Host) -> dict[str, float]:
    """Return the memory of a host's processes, by what they are [bytes, PSS]."""
    found = {}
    for role, pids in roles(host).items():
        found[role] = 0
        for pid in pids:
            try:
                found[role] += pss_bytes(pid)
            except OSError:
                continue
    return found


def shares(hosts: Sequence[Host], seconds: float) -> list[dict[str, float]]:
    """Return the parts of a core that hosts use, by what uses them."""
    before, begun_s = [used_s(host) for host in hosts], time.monotonic()
    time.sleep(seconds)
    after, took_s = [used_s(host) for host in hosts], time.monotonic() - begun_s
    return [
        {role: (later[role] - was.get(role, 0.0)) / took_s for role in later}
        for was, later in zip(before, after, strict=True)
    ]
