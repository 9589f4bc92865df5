"""Processor time of whole commands on a host of 52 instances, beside those of other supervisors.

``python -m benchmarks.commands [--ocsd PROGRAM] [--rounds N] [--entries N]`` starts a
site of its own: a router, registry, aggregator and 50 FakeDataAgents, and a history of
the weeks before; writes the recording of an hour of 50 feeds; and prints a markdown
table. Give as PROGRAM the ocsd of an installed wheel: the import hook of an editable
installation costs as much as a command.
"""

import argparse
import json
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import data_folder, ocs_venv
from benchmarks.one_host import free_port
from benchmarks.site import AGENT_ARGUMENTS, HOST, SUPERVISOR_ID, Hub, instance_ids
from benchmarks.supervising import supervisord
from benchmarks.supervising.ocsd_side import OcsdSide
from ocsd.cli.talk.control import DaemonClient
from ocsd.history.file import HistoryFile
from ocsd.history.summary import HistoryEntry
from ocsd.system.paths import HostPaths

AGENTS = 50
SETTLE_S = 30.0
REQUESTS = 50
DAY_S = 24 * 3600.0
HISTORY_S = 30 * DAY_S

BUDGETS_S = {
    "--help": 0.1,
    "status": 0.12,
    "status --json": None,
    "status fake-07": None,
    "why fake-07": 0.15,
    "logs fake-07": 0.15,
    "logs": None,
    "history": 0.15,
    "data ls": 0.4,
}
"""The commands, and the processor time that each may take on two cores of 2026 [s]."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of some runs of a command."""

    cpu_s: float
    wall_s: float
    exit_code: int


def cost(command: Sequence[str], environment: Mapping[str, str], rounds: int) -> Cost:
    """Run a command some times and return what it costs."""
    costs = [_once(command, environment) for _ in range(rounds)]
    return Cost(
        statistics.median(each.cpu_s for each in costs),
        statistics.median(each.wall_s for each in costs),
        max(each.exit_code for each in costs),
    )


def _once(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    before, begun_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    wall_s, after = time.perf_counter() - begun_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(cpu_s, wall_s, done.returncode)


def write_site(path: Path, port: int) -> None:
    """Write a site of one host with its router, registry, aggregator and agents."""
    hub = Hub(port)
    entries: list[dict[str, Any]] = [
        {"agent-class": "HostManager", "instance-id": SUPERVISOR_ID, "manage": "ignore"},
        {"agent-class": "RegistryAgent", "instance-id": "registry"},
        {"agent-class": "AggregatorAgent", "instance-id": "aggregator"},
    ]
    entries[-1]["arguments"] = ["--initial-state", "record", "--data-dir", str(path.parent / "now")]
    entries += [
        {"agent-class": "FakeDataAgent", "instance-id": name, "arguments": AGENT_ARGUMENTS}
        for name in instance_ids(AGENTS)
    ]
    host = {"crossbar": {}, "agent-instances": entries}
    path.write_text(yaml.safe_dump({"hub": hub.block, "hosts": {HOST: host}}, sort_keys=False))


def write_history(path: Path, count: int, now_at: float) -> None:
    """Write a history of some entries: agents that crash in turn, and come up again."""
    path.parent.mkdir(parents=True)
    history = HistoryFile(path)
    for entry in _crashes(count, now_at):
        history.write(entry)
    history.close()


def _crashes(count: int, now_at: float) -> Iterator[HistoryEntry]:
    names = instance_ids(AGENTS)
    steps = [
        ("Exited", "up", "backoff", "exit code 1: OSError: [Errno 5] no answer from ttyUSB0"),
        ("RetryDue", "backoff", "starting", "try 1 after exit code 1"),
        ("Ready", "starting", "up", ""),
        ("HealthChanged", "up", "up", "ok: feeds publish again"),
    ]
    for number in range(count):
        event, before, after, reason = steps[number % len(steps)]
        at = now_at - HISTORY_S * (1 - number / count)
        name = names[number // len(steps) % len(names)]
        yield HistoryEntry(at, name, event, before, after, "up", reason, pid=number)


def row(title: str, measured: Cost, budget_s: float | None = None) -> str:
    """Return a row of the table."""
    budget = ""
    if budget_s is not None:
        verdict = "kept"
        if measured.cpu_s > budget_s:
            verdict = "**missed**"
        budget = f"≤ {budget_s * 1000:.0f} ms {verdict}"
    if measured.exit_code:
        budget += f" exit code {measured.exit_code}"
    return (
        f"| `{title}` | {measured.cpu_s * 1000:.0f} ms | {measured.wall_s * 1000:.0f} ms "
        f"| {budget} |"
    )


def daemon_cost_s(daemon: DaemonClient) -> float:
    """Return the processor time that the daemon spends for one ``GET /v1/status`` [s]."""
    pid = daemon.status()["pid"]
    begun_s, used_s = time.monotonic(), _running_s(pid)
    time.sleep(SETTLE_S / 3)
    idle = (_running_s(pid) - used_s) / (time.monotonic() - begun_s)
    begun_s, used_s = time.monotonic(), _running_s(pid)
    for _ in range(REQUESTS):
        daemon.status()
    used_s, took_s = _running_s(pid) - used_s, time.monotonic() - begun_s
    return (used_s - idle * took_s) / REQUESTS


def _running_s(pid: int) -> float:
    """Return how long a process has been on a core [s]; finer than the ticks of its stat."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _table(
    options: argparse.Namespace, folder: Path, environment: Mapping[str, str]
) -> Iterator[str]:
    def measured(*command: str) -> Cost:
        return cost(command, environment, options.rounds)

    python = str(options.ocsd.with_name("python"))
    yield "| command | CPU | time | budget |\n|---|---|---|---|"
    yield row("python -I -S -c pass", measured(python, "-I", "-S", "-c", "pass"))
    yield row("python -c pass", measured(python, "-c", "pass"))
    for words, budget_s in BUDGETS_S.items():
        command = [str(options.ocsd), *words.split()]
        if words.startswith("data"):
            command += ["--folder", str(folder / "hour")]
        yield row(f"ocsd {words}", measured(*command), budget_s)
    ocsbow = ocs_venv.python().with_name("ocsbow")
    site = [f"--site-file={folder / 'site.yaml'}", f"--site-host={HOST}"]
    yield row("ocsbow status", measured(str(ocsbow), *site, "status"))
    with supervisord.status_command(folder / "supervisord", AGENTS + 2) as command:
        yield row("supervisorctl status", measured(*command))


def main() -> None:
    """Start the site, measure, print the table, and end the site."""
    parser = argparse.ArgumentParser(description=__doc__)
    program = Path(sys.executable).with_name("ocsd")
    parser.add_argument("--ocsd", type=Path, default=program, help="program to measure")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--entries", type=int, default=20_000, help="of the history of 30 days")
    parser.add_argument("--keep", type=Path, help="copy what the site wrote to this folder")
    options = parser.parse_args()
    # A time limit ends it by this signal, and the site has to end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with tempfile.TemporaryDirectory(prefix="ocsd-bench-") as name:
        folder = Path(name)
        write_site(folder / "site.yaml", free_port())
        side = OcsdSide(folder / "site.yaml", folder)
        places = HostPaths(HOST, *(folder / kind / HOST for kind in ("runtime", "state", "logs")))
        write_history(places.journal, options.entries, time.time())
        data_folder.write(folder / "hour", AGENTS, 1.0)
        side.prepare()
        try:
            side.launch()
            side.launched()
            time.sleep(SETTLE_S)
            for line in _table(options, folder, side.environment()):
                print(line, flush=True)
            daemon = DaemonClient(HOST, places.control_socket)
            print(f"\nThe daemon, for one status: {daemon_cost_s(daemon) * 1000:.1f} ms of CPU.")
            if options.keep:
                (folder / "status.json").write_text(json.dumps(daemon.status()))
                _copy(folder, options.keep)
        finally:
            side.close()


def _copy(folder: Path, kept: Path) -> None:
    def leave_out(_folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in {"runtime", "supervisord", "spool"}]

    shutil.copytree(folder, kept, ignore=leave_out, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
