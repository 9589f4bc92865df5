"""Compare ocsd with other supervisors: ``python -m benchmarks.peers [--programs N]``.

supervisord, circus, OCS's HostManager and ocsd supervise the same number of programs, one
supervisor after the other: a trivial Python program, and FakeDataAgents with one router. The
general supervisors and the HostManager run the FakeDataAgent of the published OCS.
"""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from benchmarks import ocs_venv, router, site
from benchmarks.processes import EndWatch, cpu_s, pss_bytes
from benchmarks.supervising import trivial
from benchmarks.supervising.general import GeneralSide
from benchmarks.supervising.observer import Observer
from benchmarks.supervising.ocs_side import OcsSide
from benchmarks.supervising.ocsd_side import OcsdSide

OP = "acq"
START_LIMIT_S = 120.0
AGAIN_LIMIT_S = 30.0
STOP_LIMIT_S = 60.0
SETTLE_S = 3.0
TRIVIAL = Path(trivial.__file__)


class Watch(Protocol):
    """Sees from outside when programs run."""

    def all_running(self, number: int) -> float:
        """Wait for so many; return when the last one ran [s, monotonic]."""
        ...

    def pids(self) -> list[int]:
        """Return the pids of those that run."""
        ...

    def again(self, pid: int) -> float:
        """Wait for the successor of a process; return when it ran [s, monotonic]."""
        ...


class TrivialWatch:
    """Sees the files that the trivial program leaves."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        os.environ[trivial.VARIABLE] = str(folder)
        self._folder = folder

    def all_running(self, number: int) -> float:
        """Wait for so many; return when the last one ran [s, monotonic]."""
        return max(map(self._at, self._wait(number, START_LIMIT_S)))

    def pids(self) -> list[int]:
        """Return the pids of those that run."""
        return [pid for pid in self._started() if Path(f"/proc/{pid}").exists()]

    def again(self, pid: int) -> float:
        """Wait for the successor of a process; return when it ran [s, monotonic]."""
        (self._folder / str(pid)).rename(self._folder / f".{pid}")
        started = self._started()
        (new,) = set(self._wait(len(started) + 1, AGAIN_LIMIT_S)) - set(started)
        return self._at(new)

    def _started(self) -> list[int]:
        return [int(path.name) for path in self._folder.iterdir() if path.name.isdigit()]

    def _at(self, pid: int) -> float:
        return float((self._folder / str(pid)).read_text())

    def _wait(self, number: int, limit_s: float) -> list[int]:
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            started = self._started()
            if len(started) >= number:
                return started
            time.sleep(0.005)
        raise TimeoutError(f"{len(started)} of {number} programs ran after {limit_s:g} s")


class AgentWatch:
    """Sees the sessions of agents."""

    def __init__(self, observer: Observer, ids: list[str]) -> None:
        self._observer = observer
        self._ids = ids
        self._of: dict[int, str] = {}
        observer.forget()

    def all_running(self, number: int) -> float:
        """Wait for so many; return when the last one ran [s, monotonic]."""
        self._observer.wait_running(self._ids[:number], OP, START_LIMIT_S)
        began_at = [self._observer.session(name, OP)["start_time"] for name in self._ids]
        return time.monotonic() - (time.time() - max(began_at))

    def pids(self) -> list[int]:
        """Return the pids of those that run."""
        self._of = {self._observer.pid(name): name for name in self._ids}
        return list(self._of)

    def again(self, pid: int) -> float:
        """Wait for the successor of a process; return when it ran [s, monotonic]."""
        return self._observer.poll_running(self._of[pid], OP, time.time(), AGAIN_LIMIT_S)


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """What was measured of one supervisor with one program."""

    name: str
    program: str
    start_s: float
    again_s: float
    stop_s: float
    memory_bytes: int
    cpu_percent: float

    def row(self) -> str:
        """Return the row of the table."""
        return (
            f"| {self.name} | {self.program} | {self.start_s:.2f} s | {1000 * self.again_s:.0f} ms "
            f"| {1000 * self.stop_s:.0f} ms | {self.memory_bytes / 1e6:.1f} MB "
            f"| {self.cpu_percent:.2f} % |"
        )


def main(arguments: list[str] | None = None) -> None:
    """Measure each, and print a table."""
    options = _parser().parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ocsd-peers-"))
    print("| supervisor | program | start | kill -9 to running | stop | memory | CPU |")
    print("|---|---|---|---|---|---|---|")
    for name, program, measure in _runs(folder, options):
        if options.only and options.only != name:
            continue
        try:
            print(measure().row(), flush=True)
        except (TimeoutError, LookupError) as error:
            print(f"| {name} | {program} | {error} | | | | |", flush=True)
    shutil.rmtree(folder, ignore_errors=True)


def _runs(
    folder: Path, options: argparse.Namespace
) -> Iterator[tuple[str, str, Callable[[], PeerFigures]]]:
    python = options.ocs_python or ocs_venv.python()
    ids = site.instance_ids(options.programs)
    hub = site.Hub(router.free_port(18300, 18399))
    file = site.write(folder / "site.yaml", hub, options.programs)
    alone = {name: [sys.executable, str(TRIVIAL)] for name in ids}
    agents = {name: _fake_agent(python, file, name) for name in ids}
    ocsd_file = _trivial_site(folder, hub, ids)
    observer = Observer(hub)

    def with_trivial(side: Any) -> PeerFigures:
        return _measured(side, "trivial", TrivialWatch(folder / "started"), options)

    def with_agents(side: Any) -> PeerFigures:
        return _measured(side, "FakeDataAgent", AgentWatch(observer, ids), options)

    places = (folder / name for name in "abcdefgh")
    with router.running(options.crossbar, folder / "router", hub, folder / "o" / "runtime" / "r"):
        observer.open()
        for name in ("supervisord", "circusd"):
            side = GeneralSide(name, alone, next(places))
            yield name, "trivial", lambda side=side: with_trivial(side)
        yield "ocsd", "trivial", lambda: with_trivial(OcsdSide(ocsd_file, folder / "t"))
        for name in ("supervisord", "circusd"):
            side = GeneralSide(name, agents, next(places))
            yield name, "FakeDataAgent", lambda side=side: with_agents(side)
        manager = OcsSide(python, file, observer, next(places))
        yield "HostManager", "FakeDataAgent", lambda: with_agents(manager)
        yield "ocsd", "FakeDataAgent", lambda: with_agents(OcsdSide(file, folder / "o"))
        observer.close()


def _measured(side: Any, program: str, watch: Watch, options: argparse.Namespace) -> PeerFigures:
    print(f"{side.name}, {program}", file=sys.stderr, flush=True)
    side.prepare()
    try:
        begun_s = time.monotonic()
        side.launch()
        start_s = watch.all_running(options.programs) - begun_s
        time.sleep(SETTLE_S)
        pids = watch.pids()
        by_name = {str(pid): pid for pid in pids}
        supervisors = list(side.supervisors(by_name).values())
        memory_bytes = sum(map(pss_bytes, supervisors))
        used_s, at_s = sum(map(cpu_s, supervisors)), time.monotonic()
        time.sleep(options.cpu_window)
        used_s, at_s = sum(map(cpu_s, supervisors)) - used_s, time.monotonic() - at_s
        again_s = [_killed(watch, pid) for pid in pids[: options.kills]]
        stop_s = _stopped(side, watch.pids())
    finally:
        side.close()
    again = statistics.median(again_s)
    cpu_percent = 100 * used_s / at_s
    return PeerFigures(side.name, program, start_s, again, stop_s, memory_bytes, cpu_percent)


def _killed(watch: Watch, pid: int) -> float:
    begun_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    return watch.again(pid) - begun_s


def _stopped(side: Any, pids: list[int]) -> float:
    ends = EndWatch(pids)
    begun_s = time.monotonic()
    side.stop_all()
    try:
        return ends.wait(STOP_LIMIT_S) - begun_s
    finally:
        ends.close()


def _fake_agent(python: Path, file: Path, name: str) -> list[str]:
    module = "ocs.agents.fake_data.agent"
    where = [f"--site-file={file}", f"--site-host={site.HOST}", f"--instance-id={name}"]
    return [str(python), "-m", module, *where, *map(str, site.AGENT_ARGUMENTS)]


def _trivial_site(folder: Path, hub: site.Hub, ids: list[str]) -> Path:
    """Write a site whose agents are the trivial program."""
    plugins = folder / "plugins"
    plugins.mkdir()
    shutil.copy(TRIVIAL, plugins)
    (plugins / "ocs_plugin_trivial.py").write_text(f"agents = [('Trivial', {TRIVIAL.name!r})]\n")
    ignored = {"agent-class": "AggregatorAgent", "instance-id": "aggregator", "manage": "ignore"}
    instances = [{"agent-class": "Trivial", "instance-id": name} for name in ids]
    host = {"agent-paths": [str(plugins)], "agent-instances": [ignored, *instances]}
    file = folder / "trivial.yaml"
    urls = {"wamp_server": hub.wamp_server, "wamp_http": hub.wamp_http}
    file.write_text(yaml.safe_dump({"hub": urls, "hosts": {site.HOST: host}}))
    return file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("--programs", type=int, default=50, metavar="N")
    parser.add_argument("--kills", type=int, default=10, metavar="N")
    parser.add_argument("--cpu-window", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--only", help="measure one supervisor")
    parser.add_argument(
        "--crossbar", type=Path, default=Path(sys.executable).with_name("crossbar"), metavar="PATH"
    )
    parser.add_argument("--ocs-python", type=Path, metavar="PATH", help="a Python that has ocs")
    return parser


if __name__ == "__main__":
    main()
