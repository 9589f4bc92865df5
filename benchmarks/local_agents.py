"""Agents of one host and its aggregator, from `publish_to_feed` to G3 files, on OCS and on ocsd.

::

    python -m benchmarks.local_agents [--samples 1] [--seconds 20] [--only ocs|ocsd]

Four agents publish messages of 16 fields on five feeds each, as fast as the aggregator answers
(`benchmarks.counting.hurried_agent`). The same program runs on both sides. Both have a crossbar.
On OCS it carries the messages. On ocsd the aggregator reads them from the agents' spools, because
nobody else subscribes. Messages of before, one of each feed a second for a while, are not counted.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks import ocs_venv, router
from benchmarks.counting import hurried_agent
from benchmarks.end_to_end import recorded_values
from benchmarks.one_host import OneHost, instance
from benchmarks.processes import cpu_s
from benchmarks.site import HOST, Hub
from ocsd.client.http import ControlClient
from tests.system.invariants import copies

AGENTS = tuple(f"bench{number}" for number in range(4))
PROGRAM = Path(hurried_agent.__file__)
LIMIT_S = 240.0
SETTLE_S = 3.0
IDLE_S = 6.0
ROOT = "observatory"


def main() -> None:
    """Print a line for each side."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=1, help="of a message (default: 1)")
    parser.add_argument("--lot", type=int, default=100, help="messages between two questions")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=["ocs", "ocsd"])
    args = parser.parse_args()
    print(
        "| | messages/s | CPU of a message: router | agents | aggregator "
        "| router's CPU before and while they publish | in the files |"
    )
    print("|---|---|---|---|---|---|---|")
    for side in [args.only] if args.only else ["ocs", "ocsd"]:
        with contextlib.ExitStack() as stack:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="ocsd-local-"))
            folder = Path(name)
            started = stack.enter_context((_ocs if side == "ocs" else _ocsd)(folder))
            print(f"| {side} {_measured(folder, *started, args)}", flush=True)


Started = tuple[ControlClient, Callable[[], tuple[int, int]]]
"""A client of the aggregator; returns the pids of the router and of the aggregator."""


def _measured(
    folder: Path, client: ControlClient, pids: Callable[[], tuple[int, int]], args: Any
) -> str:
    _until(lambda: _told(client).get("status") == "running", "the aggregator")
    _until(lambda: len(list((folder / "reports").glob("*.ready"))) == len(AGENTS), "the agents")
    router_pid, aggregator_pid = pids()
    time.sleep(SETTLE_S)
    (folder / "reports" / "quiet").touch()
    time.sleep(SETTLE_S)
    idle_s = -_cpu(router_pid)
    time.sleep(IDLE_S)
    idle_s += _cpu(router_pid)
    before = _cpu(router_pid), cpu_s(aggregator_pid)
    began_s = time.monotonic()
    unfinished = folder / "go.new"
    unfinished.write_text(json.dumps([args.samples, args.lot, args.seconds]))
    unfinished.replace(folder / "reports" / "go")
    paths = _until(lambda: _complete(folder / "reports"), "the reports")
    # Not later: the questions below cost it as well.
    published_s = time.monotonic() - began_s
    router_s = _cpu(router_pid) - before[0]
    reports = [json.loads(path.read_text()) for path in paths]
    count = sum(report["messages"] for report in reports)
    known = sum(report["known"] for report in reports)
    _until(lambda: _is_taken(client, count + known), "the last message")
    took_s = time.monotonic() - began_s
    client.call(f"{client.agent_addr}.ops", "stop", "record")
    _until(lambda: _told(client).get("status") == "done", "the end of the recording")
    spent = router_s, cpu_s(aggregator_pid) - before[1]
    found = recorded_values(folder / "data", f"{ROOT}.bench") - len(AGENTS) - known
    share = found / (count * args.samples * hurried_agent.FIELDS)
    agents = sum(report["cpu_s"] for report in reports)
    cells = [f"{each / count * 1e6:.0f} us" for each in (spent[0], agents, spent[1])]
    cells.append(f"{1e3 * idle_s / IDLE_S:.0f} ms/s, {1e3 * router_s / published_s:.0f} ms/s")
    return f"| {count / took_s:,.0f} | {' | '.join(cells)} | {100 * share:.4g} % |"


def _complete(folder: Path) -> list[Path]:
    paths = list(folder.glob("*.json"))
    return paths if len(paths) == len(AGENTS) else []


def _is_taken(client: ControlClient, count: int) -> bool:
    data = _told(client).get("data") or {}
    if "messages" in data:
        return bool(data["messages"] >= count + len(AGENTS))
    providers = data.get("providers", {})
    return all(f"{ROOT}.{name}.feeds.last" in providers for name in AGENTS)


def _told(client: ControlClient) -> dict[str, Any]:
    with contextlib.suppress(Exception):  # it is still starting
        return dict(client.call(f"{client.agent_addr}.ops", "status", "record")[2])
    return {}


def _until(condition: Callable[[], Any], what: str) -> Any:
    limit_s = time.monotonic() + LIMIT_S
    while not (found := condition()):
        if time.monotonic() > limit_s:
            raise TimeoutError(f"waited {LIMIT_S} s for {what}")
        time.sleep(0.25)
    return found


def _cpu(pid: int) -> float:
    children = psutil.Process(pid).children(recursive=True)
    return cpu_s(pid) + sum(cpu_s(child.pid) for child in children)


def _words(folder: Path) -> list[str]:
    return ["--initial-state", "record", "--data-dir", str(folder / "data")]


@contextlib.contextmanager
def _ocsd(folder: Path) -> Iterator[Started]:
    (folder / "reports").mkdir()
    host = OneHost(folder, HOST, PROGRAM, "HurriedAgent")
    entries = [instance("AggregatorAgent", "aggregator", _words(folder))]
    words = ["--folder", str(folder / "reports")]
    entries += [instance("HurriedAgent", name, words) for name in AGENTS]
    host.entries = {str(entry["instance-id"]): entry for entry in entries}
    host.write()
    try:
        if host.start().wait(LIMIT_S) != 0:
            raise RuntimeError((folder / "commands.log").read_text())
        found = dict(copies(host))
        yield host.client("aggregator"), lambda: (found["router"][0], found["aggregator"][0])
    finally:
        host.close()


@contextlib.contextmanager
def _ocs(folder: Path) -> Iterator[Started]:
    (folder / "reports").mkdir()
    hub = Hub(router.free_port(18200, 18299))
    python = ocs_venv.python(compiled=False)
    site = {
        "hub": hub.block,
        "hosts": {HOST: {"agent-instances": [
            instance("AggregatorAgent", "aggregator", _words(folder)),
            *(instance("HurriedAgent", n, ["--folder", str(folder / "reports")]) for n in AGENTS),
        ]}},
    }  # fmt: skip
    file = folder / "site.yaml"
    file.write_text(json.dumps(site))
    crossbar = Path(sys.executable).with_name("crossbar")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with contextlib.ExitStack() as stack:
        pid = stack.enter_context(
            router.running(crossbar, folder / "router", hub, folder / "neighbour")
        )
        log = stack.enter_context((folder / "agents.log").open("wb"))

        def start(program: list[str], name: str) -> "subprocess.Popen[bytes]":
            words = [f"--site-file={file}", f"--site-host={HOST}", f"--instance-id={name}"]
            process = subprocess.Popen(
                [str(python), *program, *words], stdout=log, stderr=log, env=environment, cwd=folder
            )
            stack.callback(process.wait)
            stack.callback(process.send_signal, signal.SIGKILL)
            return process

        aggregator = start(["-m", "ocs.agents.aggregator.agent"], "aggregator")
        for name in AGENTS:
            start([str(PROGRAM)], name)
        client = ControlClient(f"{hub.address_root}.aggregator", hub.wamp_http, timeout_s=20.0)
        yield client, lambda: (pid, aggregator.pid)


if __name__ == "__main__":
    main()
