"""The aggregators of both sides as they are run, behind a crossbar.

Recorded feeds go through a router of this run to one aggregator: that of the published
OCS, started by its module, or ocsd's, as ``ocsd start`` runs it. What counts is what is
in the G3 files afterwards.
"""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import so3g  # noqa: F401 # brings spt3g along
import yaml
from spt3g import core

from benchmarks import router
from benchmarks.end_to_end_feeds import AGGREGATOR, FIELDS, Plan, Published
from benchmarks.processes import cpu_s, peak_bytes
from benchmarks.site import HOST, Hub
from benchmarks.supervising.ocsd_side import OcsdSide
from ocsd.aggregator.frames.schema import DATA
from ocsd.system.paths import ROUTER_SOCKET

STOP_LIMIT_S = 30.0
SIDES = ("ocs", "ocsd")


@dataclass(frozen=True, slots=True)
class Case:
    """What is published to both sides.

    Attributes
    ----------
    name : str
        For people.
    plan : Plan
        For `end_to_end_feeds`.
    """

    name: str
    plan: Plan


CASES = (
    Case("messages of 1 sample of 16 fields", Plan(5, 1, 100, 20.0, 0.0, 10.0, False)),
    Case("messages of 100 samples of 16 fields", Plan(5, 100, 20, 20.0, 0.0, 10.0, False)),
    Case("320,000 values/s, frames of 60 s", Plan(5, 1000, 5, 130.0, 1.0, 60.0, False)),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one side has done.

    Attributes
    ----------
    published, recorded : int
        Messages that went out, and as many as the values in the files make.
    samples : int
        Of each message.
    took_s : float
        From the first message until the aggregator has dealt with the last [s].
    cpu_s : float
        Processor time of the aggregator until its files are complete [s].
    peak_bytes : int
        The most memory that the aggregator has had (VmHWM).
    router_cpu_s, publishers_cpu_s : float
        Processor time of the others [s].
    load : float
        Load of the machine at the end, mean of a minute.
    """

    published: int
    recorded: float
    samples: int
    took_s: float
    cpu_s: float
    peak_bytes: int
    router_cpu_s: float
    publishers_cpu_s: float
    load: float

    @property
    def messages_per_s(self) -> float:
        """Messages that are in the files, by second."""
        return self.recorded / self.took_s

    @property
    def values_per_s(self) -> float:
        """Values that are in the files, by second."""
        return self.messages_per_s * self.samples * FIELDS

    @property
    def cpu_s_per_million(self) -> float:
        """Processor time of the aggregator for a million values [s]."""
        return self.cpu_s / (self.recorded * self.samples * FIELDS / 1e6)


def run(ocs: Path, side: str, case: Case, folder: Path) -> Figures:
    """Measure one side.

    Parameters
    ----------
    ocs : Path
        A Python that has the published ocs.
    side : str
        ``ocs`` or ``ocsd``.
    case : Case
        What to publish.
    folder : Path
        An empty folder with a short path.
    """
    hub = Hub(router.free_port(18200, 18299))
    neighbour = folder / "ocsd" / "runtime" / "router"
    site_file = _write_site(folder / "site.yaml", hub, folder / "data")
    plan = dataclasses.replace(case.plan, numbered=side == "ocsd")
    crossbar = Path(sys.executable).with_name("crossbar")
    with contextlib.ExitStack() as stack:
        router_pid = stack.enter_context(
            router.running(crossbar, folder / "router", hub, neighbour)
        )
        if side == "ocs":
            pid = stack.enter_context(_ocs(ocs, site_file, folder / "aggregator.log"))
        else:
            pid = stack.enter_context(_ocsd(site_file, folder / "ocsd"))
        with publishing(neighbour / ROUTER_SOCKET, hub, plan) as feeds:
            assert feeds.stdout is not None
            if feeds.stdout.readline() != "started\n":
                raise RuntimeError(f"the publishers did not start; see {folder}")
            before = cpu_s(pid), _cpu_with_children_s(router_pid)
            report = feeds.stdout.readline()
        published = Published(**json.loads(report))
        figures = Figures(
            published=published.messages,
            recorded=0.0,
            samples=plan.samples,
            took_s=published.took_s,
            cpu_s=cpu_s(pid) - before[0],
            peak_bytes=peak_bytes(pid),
            router_cpu_s=_cpu_with_children_s(router_pid) - before[1],
            publishers_cpu_s=published.cpu_s,
            load=os.getloadavg()[0],
        )
    values = recorded_values(folder / "data", hub.address("bench"))
    return dataclasses.replace(figures, recorded=values / (plan.samples * FIELDS))


def recorded_values(folder: Path, addresses: str) -> int:
    """Return how many values of some feeds are in the files of a data folder.

    Parameters
    ----------
    folder : Path
        The data folder.
    addresses : str
        How the addresses of the feeds begin.
    """
    count = 0
    for path in folder.glob("[0-9]*/*.g3"):
        for frame in core.G3File(str(path)):
            if frame["hkagg_type"] == DATA and frame["address"].startswith(addresses):
                count += sum(len(block.times) * len(block.keys()) for block in frame["blocks"])
    return count


def compare(ocs: Path, folder: Path, repeat: int) -> str:
    """Measure both sides in turn, the best of each counts, and return the tables.

    Parameters
    ----------
    ocs : Path
        A Python that has the published ocs.
    folder : Path
        Where to write; its path must be short.
    repeat : int
        How often, but for what has a rate of its own: that is done once.
    """
    rows = []
    for case in CASES:
        sides: dict[str, list[Figures]] = {side: [] for side in SIDES}
        for _ in range(1 if case.plan.period_s else repeat):
            for side, found in sides.items():
                with tempfile.TemporaryDirectory(prefix="ocsd-bench-", dir=folder) as place:
                    found.append(run(ocs, side, case, Path(place)))
                print(f"{case.name}, {side}: {found[-1]}", file=sys.stderr, flush=True)
        rows.append((case, sides["ocs"], sides["ocsd"]))
    return table(rows)


def table(rows: Sequence[tuple[Case, Sequence[Figures], Sequence[Figures]]]) -> str:
    """Return the markdown tables: what the aggregators did, and what each process took."""
    lines = ["| through crossbar | | OCS | ocsd | ratio |", "|---|---|---|---|---|"]
    others = [
        "| CPU of a message | | router | publishers | aggregator | in the files | load |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, ocs, ocsd in rows:
        lines += _compared(case, ocs, ocsd)
        others += [_taken(case, *pair) for pair in (("OCS", ocs), ("ocsd", ocsd))]
    return "\n".join([*lines, "", *others])


def _compared(case: Case, ocs: Sequence[Figures], ocsd: Sequence[Figures]) -> Iterator[str]:
    name = case.name
    if not case.plan.period_s:
        theirs, ours = (max(each.messages_per_s for each in side) for side in (ocs, ocsd))
        yield f"| {name} | messages/s | {theirs:,.0f} | {ours:,.0f} | {ours / theirs:.2f} |"
        theirs, ours = (max(each.values_per_s for each in side) for side in (ocs, ocsd))
        yield f"| | values/s | {theirs:,.0f} | {ours:,.0f} | {ours / theirs:.2f} |"
        name = ""
    theirs, ours = (min(each.cpu_s_per_million for each in side) for side in (ocs, ocsd))
    cpu = f"{theirs:.3g} s | {ours:.3g} s | 1/{theirs / ours:.2f}"
    yield f"| {name} | CPU for a million values | {cpu} |"
    theirs, ours = (min(each.peak_bytes for each in side) / 1e6 for side in (ocs, ocsd))
    yield f"| | peak memory | {theirs:.0f} MB | {ours:.0f} MB | 1/{theirs / ours:.1f} |"


def _taken(case: Case, name: str, side: Sequence[Figures]) -> str:
    parts = ("router_cpu_s", "publishers_cpu_s", "cpu_s")
    cells = [f"{min(getattr(f, part) / f.published for f in side) * 1e3:.3f} ms" for part in parts]
    share = 100 * sum(f.recorded for f in side) / sum(f.published for f in side)
    load = " ".join(f"{figures.load:.1f}" for figures in side)
    return f"| {case.name} | {name} | {' | '.join(cells)} | {share:.4g} % | {load} |"


def _write_site(path: Path, hub: Hub, data: Path) -> Path:
    """Write a site of nothing but an aggregator that records."""
    instance = {
        "agent-class": "AggregatorAgent",
        "instance-id": AGGREGATOR,
        "manage": "up",
        "arguments": ["--initial-state", "record", "--data-dir", str(data)],
    }
    site = {
        "hub": hub.block,
        "hosts": {HOST: {"agent-instances": [instance]}},
    }
    path.write_text(yaml.safe_dump(site, sort_keys=False))
    return path


@contextlib.contextmanager
def _ocs(python: Path, site_file: Path, log_file: Path) -> Iterator[int]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [python, "-m", "ocs.agents.aggregator.agent", f"--site-file={site_file}"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--site-host={HOST}", f"--instance-id={AGGREGATOR}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=log_file.parent,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _ocsd(site_file: Path, folder: Path) -> Iterator[int]:
    side = OcsdSide(site_file, folder)
    side.prepare()
    side.launch()
    try:
        side.launched()
        yield side.services({})[AGGREGATOR]
    finally:
        side.close()


@contextlib.contextmanager
def publishing(socket: Path, hub: Hub, plan: Plan) -> Iterator["subprocess.Popen[str]"]:
    """Run the process that publishes for the time of the context."""
    arguments = [str(socket), hub.realm, hub.address_root, json.dumps(dataclasses.asdict(plan))]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.end_to_end_feeds", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
        process.wait(STOP_LIMIT_S)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _cpu_with_children_s(pid: int) -> float:
    """Return the processor time of a router and its workers [s]."""
    children = psutil.Process(pid).children(recursive=True)
    return cpu_s(pid) + sum(cpu_s(child.pid) for child in children)
