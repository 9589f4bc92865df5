"""Run ocsd for a long time while all kinds of things go wrong.

``python -m benchmarks.soak --minutes N --seed S [--agents 50] [--json FILE]`` starts a
site of its own, with a router and N agents, and does to it what happens at three in the
morning: see `benchmarks.soaking.faults`. Meanwhile it looks whether what must always hold
holds. Exit code 1 if it did not. Same seed, same faults.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.soaking import report
from benchmarks.soaking.fault import LIMIT_S, Fault, Status, as_wanted
from benchmarks.soaking.faults import Faults
from benchmarks.soaking.scene import CRASHING, Scene
from benchmarks.soaking.watch import Watch, rows_not_well
from ocsd.history.file import read_history

POLL_S = 0.05
PAUSE_S = (0.5, 4.0)
START_LIMIT_S = 120.0


class Soak:
    """One run.

    Parameters
    ----------
    scene : Scene
        The site.
    seed : int
        Decides what happens.
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._seed = seed
        self._dice = random.Random(seed)
        self._faults = Faults(scene, self._dice)
        self._watch = Watch(scene)
        self._recoveries: list[report.Recovery] = []
        self._last = "starting"

    def run(self, minutes: float) -> report.Report:
        """Do it.

        Parameters
        ----------
        minutes : float
            For how long; a fault that lasts then is seen to its end.
        """
        begun_s = time.monotonic()
        self._scene.start().wait(START_LIMIT_S)
        self._watch.start()
        if self._settled(START_LIMIT_S) is None:
            raise RuntimeError(f"the site did not come up: {rows_not_well(self._watch.status)}")
        rss_bytes = self._rss_bytes()
        while time.monotonic() - begun_s < 60 * minutes:
            status = self._settled(LIMIT_S)
            if status is None:
                self._watch.violated(f"not as wanted: {rows_not_well(self._watch.status)}")
                break
            self._step(status)
            self._tell(begun_s, minutes)
            time.sleep(self._dice.uniform(*PAUSE_S))
        self._watch.close()
        return self._report(time.monotonic() - begun_s, rss_bytes)

    def _settled(self, limit_s: float) -> Status | None:
        """Return the status as soon as all is well; None if that does not come."""
        give_up_at_s = time.monotonic() + limit_s
        while time.monotonic() < give_up_at_s:
            status = self._watch.status
            if status is not None and as_wanted(status, self._scene.names):
                return status
            time.sleep(POLL_S)
        return None

    def _step(self, status: Status) -> None:
        """Let some faults happen, and see whether the site gets over them."""
        faults = self._faults.some(status)
        allowed: dict[str, int] = {}
        for fault in faults:
            allowed |= fault.starts
        self._watch.during = self._last = " + ".join(f"{one.kind} ({one.target})" for one in faults)
        self._watch.expect(status, allowed)
        begun_at = time.time()
        self._see_through(faults)
        self._compare(begun_at, faults)

    def _see_through(self, faults: list[Fault]) -> None:
        begun_s = time.monotonic()
        for fault in faults:
            fault.begun_at = time.time()
            fault.do()
        lasting = [one for one in faults if one.undo is not None]
        unrecovered = list(faults)
        # Many are over only when the whole site is well, so all wait for the longest one.
        limit_s = max(one.lasts_s for one in faults) + max(one.limit_s for one in faults)
        while unrecovered:
            for fault in [one for one in lasting if time.monotonic() - begun_s >= one.lasts_s]:
                lasting.remove(fault)
                if fault.undo is not None:
                    fault.undo()
            status = self._scene.status()
            now_s = time.monotonic() - begun_s
            for fault in [one for one in unrecovered if one not in lasting]:
                if status is not None and fault.recovered(status):
                    self._note(fault, now_s - fault.lasts_s, len(faults) == 1)
                elif now_s > limit_s:
                    self._note(fault, None, len(faults) == 1)
                    self._late(fault, status)
                else:
                    continue
                unrecovered.remove(fault)
            time.sleep(POLL_S)

    def _late(self, fault: Fault, status: Status | None) -> None:
        state = rows_not_well(status)
        self._watch.violated(f"no recovery from {fault.kind}: {state}")

    def _note(self, fault: Fault, took_s: float | None, alone: bool) -> None:
        noted = report.Recovery(fault.kind, fault.target, fault.begun_at, took_s, alone)
        self._recoveries.append(noted)

    def _compare(self, begun_at: float, faults: list[Fault]) -> None:
        """See that nothing was started more often than the faults explain."""
        # A fork server that is killed may have been asked for a process just before.
        more = sum("kill" in one.kind and "fork server" in one.kind for one in faults)
        allowed = {name: n + more for one in faults for name, n in one.starts.items()}
        its = [one for one in read_history(self._scene.paths.journal) if one.at >= begun_at]
        for name, count in report.starts(its).items():
            if name in self._scene.names and count > allowed.get(name, 0):
                what = f"{name} was started {count} times, {allowed.get(name, 0)} explained"
                self._watch.violated(what)

    def _rss_bytes(self) -> int:
        status = self._watch.status or self._scene.status()
        return int(psutil.Process(status["pid"]).memory_info().rss) if status else 0

    def _tell(self, begun_s: float, minutes: float) -> None:
        done_s = time.monotonic() - begun_s
        text = (
            f"{done_s / 60:5.1f} of {minutes:g} min  {len(self._recoveries)} faults  "
            f"{len(self._watch.violations)} violations  last: {self._last}"
        )
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{text[:width]:<{width}}", end="", file=sys.stderr, flush=True)

    def _report(self, took_s: float, rss_bytes: int) -> report.Report:
        entries = list(read_history(self._scene.paths.journal))
        for what in report.too_early(entries, CRASHING):
            self._watch.violated(what)
        its_starts = report.starts(entries)
        return report.Report(
            seed=self._seed,
            agents=len(self._scene.entries),
            took_s=took_s,
            recoveries=tuple(self._recoveries),
            violations=tuple(self._watch.violations),
            restarts={name: count - 1 for name, count in its_starts.items() if count > 1},
            daemon_rss_bytes=(rss_bytes, self._rss_bytes()),
            journal_bytes=sum(
                path.stat().st_size
                for path in self._scene.paths.state.glob("journal.jsonl*")
                if path.is_file()
            ),
        )


def main(arguments: list[str] | None = None) -> int:
    """Soak, print the report, and return the exit code."""
    options = _parser().parse_args(arguments)
    # Its path is short for the sockets' sake.
    folder = Path(tempfile.mkdtemp(prefix="ocsd-soak-"))
    scene = Scene(folder, options.agents)
    try:
        found = Soak(scene, options.seed).run(options.minutes)
    finally:
        left = scene.close()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(found.text())
    if left:
        print(f"\nVIOLATED: ocsd stop left {len(left)} processes: {'; '.join(left)}")
    if options.json:
        told = {**found.as_json(), "left_by_stop": left}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if found.violations or left:
        print(f"\nlogs and journal are kept in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--json", type=Path, help="write the report there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
