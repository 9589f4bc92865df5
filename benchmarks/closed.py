"""Run the same site open and closed, and compare what it costs.

``python -m benchmarks.closed [--agents N] [--restarts N] [--rounds N]`` starts ocsd with a router
of its own and N FakeDataAgents on the router's Unix socket, in turn with ``access: open`` and
``access: closed``. It prints a markdown table: medians over the rounds, and what closed costs more.
Everything runs on the loopback interface and in a temporary folder.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks import site
from benchmarks.processes import cpu_s
from benchmarks.router import free_port

WAYS = ("open", "closed")
LIMIT = 0.10
"""The most that closed may cost more, as a part of the cost of open."""
_COMMAND_LIMIT_S = 180.0


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    options = _parser().parse_args(arguments)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    folder = Path(tempfile.mkdtemp(prefix="ocsd-bench-"))
    for number in range(options.rounds):
        # The second one finds a warmer machine: each way is the second one as often.
        for way in WAYS[:: 1 - 2 * (number % 2)]:
            print(f"round {number + 1}: {way}", file=sys.stderr)
            run = OwnSite(folder / f"{way}-{number}", way, options.agents)
            found[way].append(_measured(run, options))
    shutil.rmtree(folder)
    _print(found)


@dataclass(frozen=True)
class OwnSite:
    """A host with a router of its own."""

    folder: Path
    way: str
    agents: int

    def write(self) -> None:
        """Write the site file; if it is closed, make its keys."""
        self.folder.mkdir()
        port = free_port(18300, 18399)
        hub = {"access": self.way, "wamp_server": f"ws://127.0.0.1:{port}/ws"}
        if self.way == "closed":
            hub["wamp_server"] = f"wss://127.0.0.1:{port}/ws"
        rows = [
            {
                "agent-class": "FakeDataAgent",
                "instance-id": name,
                "arguments": site.AGENT_ARGUMENTS,
            }
            for name in site.instance_ids(self.agents)
        ]
        host = {"crossbar": {}, "web": {"enabled": False}, "agent-instances": rows}
        content = {"hub": hub, "hosts": {site.HOST: host}}
        self.site_file.write_text(yaml.safe_dump(content, sort_keys=False))
        if self.way == "closed":
            self.ocsd("access", "init", "--site-file", str(self.site_file))

    @property
    def site_file(self) -> Path:
        """The site file."""
        return self.folder / "default.yaml"

    def ocsd(self, *words: str) -> str:
        """Run a command of ocsd, which must succeed; return what it prints."""
        folders = {
            f"{kind.upper()}_DIRECTORY": str(self.folder / kind)
            for kind in ("runtime", "state", "logs")
        }
        done = subprocess.run(
            [sys.executable, "-m", "ocsd", *words, "--host", site.HOST],
            env=os.environ | folders,
            capture_output=True,
            text=True,
            timeout=_COMMAND_LIMIT_S,
        )
        if done.returncode != 0:
            raise RuntimeError(f"ocsd {words[0]}: {done.stdout}{done.stderr} ({self.folder})")
        return done.stdout

    def parts(self) -> dict[str, list[int]]:
        """Return the pids of agents, daemon and router."""
        status: dict[str, Any] = json.loads(self.ocsd("status", "--json"))
        rows = {row["instance_id"]: row["pid"] for row in status["instances"]}
        router = psutil.Process(status["router"]["pid"])
        of_router = [router.pid, *(each.pid for each in router.children(recursive=True))]
        agents = [rows[name] for name in site.instance_ids(self.agents)]
        return {"agents": agents, "daemon": [status["pid"]], "router": of_router}


def _measured(run: OwnSite, options: argparse.Namespace) -> dict[str, float]:
    run.write()
    try:
        begun_s = time.monotonic()
        run.ocsd("start", "-d", "--site-file", str(run.site_file))
        figures = {f"`ocsd start -d`, router and {run.agents} agents [s]": _since(begun_s)}
        figures |= _cpu("CPU at the start", run.parts(), {})
        restarts = []
        for name in site.instance_ids(run.agents)[: options.restarts]:
            begun_s = time.monotonic()
            run.ocsd("restart", name)
            restarts.append(_since(begun_s))
        figures["`ocsd restart NAME`, whole command [s]"] = statistics.median(restarts)
        parts = run.parts()
        before = _cpu(f"CPU of {options.cpu_window:g} s", parts, {})
        time.sleep(options.cpu_window)
        return figures | _cpu(f"CPU of {options.cpu_window:g} s", parts, before)
    finally:
        run.ocsd("stop")


def _cpu(
    title: str, parts: Mapping[str, list[int]], before: Mapping[str, float]
) -> dict[str, float]:
    """Return the processor time of each part, less that of before [s]."""
    rows = {f"{title}, {part} [s]": sum(map(cpu_s, pids)) for part, pids in parts.items()}
    return {row: value - before.get(row, 0.0) for row, value in rows.items()}


def _since(begun_s: float) -> float:
    return time.monotonic() - begun_s


def _print(found: Mapping[str, list[dict[str, float]]]) -> None:
    print("| | open | closed | closed costs more | at most |\n|---|---|---|---|---|")
    for row in found["open"][0]:
        first, second = (statistics.median(each[row] for each in found[way]) for way in WAYS)
        print(f"| {row} | {first:.3f} | {second:.3f} | {second / first - 1:+.1%} | {LIMIT:.0%} |")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.closed", description=__doc__)
    parser.add_argument("--agents", type=int, default=50, metavar="N")
    parser.add_argument("--restarts", type=int, default=10, metavar="N")
    parser.add_argument("--rounds", type=int, default=2, metavar="N")
    parser.add_argument("--cpu-window", type=float, default=10.0, metavar="SECONDS")
    return parser


if __name__ == "__main__":
    main()
