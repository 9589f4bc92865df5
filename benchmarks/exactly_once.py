"""Publish counting samples while all kinds of things go wrong, and see that each is recorded once.

``python -m benchmarks.exactly_once --minutes 10 --seed S [--with-agent-kills] [--json FILE]``
starts a site of its own: a router, an aggregator, five agents with two feeds each, 1,000
samples/s in total. By a plan that follows from the seed aggregator, router and daemon are
killed (-9), alone and together, the aggregator is stopped for 30 s, the disk is full for
30 s, and links of agents are cut. Then everything is stopped in order, and all files are
read back: every sample of every feed has to be there exactly once. With agents killed as
well, what is missing has to be in a recorded hole. Exit code 1 if it is not so.
"""

import argparse
import collections
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from benchmarks.counting import judge, plan, published
from benchmarks.counting.report import Report
from benchmarks.counting.scene import AGENTS, WIRED, CountingScene, send
from benchmarks.counting.watch import Watch
from benchmarks.counting.worker import worker

START_LIMIT_S = 120.0
SETTLE_LIMIT_S = 180.0
SETTLED_FOR_S = 8.0
"""Longer than a heartbeat and the time that the aggregator gives a message to come."""

LONG_S = 30.0
STOP_LIMIT_S = 120.0
RESTART_TRIES = 5
SPOOL_RETRY_S = 10.0
"""So long after a disk has room again, an agent that is killed may have messages in memory only."""


class Run:
    """One run.

    Parameters
    ----------
    scene : CountingScene
        The site.
    steps : list of Step
        What happens.
    """

    def __init__(self, scene: CountingScene, steps: list[plan.Step]) -> None:
        self.violations: list[str] = []
        self.happened: collections.Counter[str] = collections.Counter()
        self.excuses = judge.Excuses()
        self.settled_s: float | None = None
        self.took_s = 0.0
        self.watch = Watch(scene, self.violations)
        self._scene = scene
        self._steps = steps
        # On the monotonic clock; infinity while it is full.
        self._state_full_until_s = -inf
        self._threads: list[threading.Thread] = []

    def go(self) -> None:
        """Do it all, until everything is stopped."""
        self._scene.begin()
        self.watch.start()
        self._wait(self._all_count, START_LIMIT_S, "the agents to count")
        begun_s = time.monotonic()
        for step in self._steps:
            time.sleep(max(0.0, begun_s + step.at_s - time.monotonic()))
            self._tell(step)
            self.begin(step)
        self.join()
        self.took_s = time.monotonic() - begun_s
        self._settle()
        self._stop()
        self.watch.close()

    def begin(self, step: plan.Step) -> None:
        """Let a step happen; if that fails it is a violation."""
        thread = worker(step.name, partial(self._do, step), self.violations)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        """Wait for all steps that have begun."""
        for thread in self._threads:
            thread.join()

    def _do(self, step: plan.Step) -> None:
        match step.kind:
            case plan.KILL:
                self._kill(step)
            case plan.RESTART:
                self._restart(step)
            case plan.STOP:
                self._stop_for_a_while(step)
            case plan.CUT:
                self._cut(step)
            case _:
                self._fill(step)

    def _kill(self, step: plan.Step) -> None:
        if plan.DAEMON in step.targets:
            self._scene.want_daemon(False)
        killed_at = time.time()
        killed = dict(self._scene.kill(step.targets))
        for name in killed:
            self.happened[f"killed: {_kind_of(name)}"] += 1
            self._may_forget(name, killed_at, time.monotonic() - SPOOL_RETRY_S)
        if len(killed) > 1:
            self.happened["killed: several at once"] += 1
        if plan.DAEMON in step.targets:
            time.sleep(step.lasts_s)
            self._scene.want_daemon(True)

    def _restart(self, step: plan.Step) -> None:
        (name,) = step.targets
        begun_s = time.monotonic()
        for _ in range(RESTART_TRIES):
            begun_at = time.time()
            code = self._scene.command("restart", name).wait()
            # An agent that ends in order saves what is in memory, if there is room just then.
            # A command that fails may have ended a life as well.
            self._may_forget(name, begun_at, begun_s)
            if code == 0:
                self.happened[f"restarted: {_kind_of(name)}"] += 1
                break
            time.sleep(1.0)

    def _may_forget(self, name: str, at: float, since_s: float) -> None:
        """Note that an agent's life at a time has ended with what it could not write.

        Parameters
        ----------
        name : str
            Of whatever has ended.
        at : float
            The time [s, Unix time].
        since_s : float
            Noted only if the disk was full since then [s, monotonic].
        """
        if name in AGENTS and self._state_full_until_s >= since_s:
            self.excuses.ended[name].append(at)

    def _stop_for_a_while(self, step: plan.Step) -> None:
        stopped = [pid for name in step.targets for pid in self._scene.pids(name)]
        if not stopped:
            return
        for pid in stopped:
            send(pid, signal.SIGSTOP)
        self.happened["stopped: aggregator"] += 1
        time.sleep(step.lasts_s)
        for pid in stopped:
            send(pid, signal.SIGCONT)

    def _cut(self, step: plan.Step) -> None:
        self._scene.stall(step.targets)
        time.sleep(step.lasts_s / 2)
        self._scene.cut(step.targets)
        time.sleep(step.lasts_s / 2)
        self._scene.mend(step.targets)
        self.happened["cut: links of agents"] += 1

    def _fill(self, step: plan.Step) -> None:
        if not self._scene.has_disks:
            return
        with_state = step.kind == plan.BOTH_FULL
        if with_state:
            self._state_full_until_s = inf
        self._scene.fill("data", *(["state"] if with_state else []))
        time.sleep(step.lasts_s)
        never_full = self._scene.free()
        if with_state:
            self._state_full_until_s = time.monotonic()
        if never_full:
            self.violations.append(f"{step.name}: there was always room in {never_full}")
        else:
            self.happened[f"full: {step.kind}"] += 1

    def _settle(self) -> None:
        begun_s = time.monotonic()
        complete = self._wait(
            lambda: self._all_count() and self.watch.complete_for_s >= SETTLED_FOR_S,
            SETTLE_LIMIT_S,
            "all to be recorded",
        )
        if complete:
            self.settled_s = max(0.0, time.monotonic() - begun_s - self.watch.complete_for_s)

    def _stop(self) -> None:
        self._scene.want_daemon(False)
        code = self._scene.command("stop", "--host", self._scene.host).wait(STOP_LIMIT_S)
        left = [" ".join(each.cmdline()) for each in self._scene.processes()]
        if code or left:
            self.violations.append(f"ocsd stop has failed with {code} and has left {left}")

    def _all_count(self) -> bool:
        status = self._scene.status()
        if status is None:
            return False
        up = {row["instance_id"] for row in status["instances"] if row["state"] == "up"}
        return up >= {*AGENTS, plan.AGGREGATOR} and status["router"]["state"] == "up"

    def _wait(self, holds: Callable[[], bool], limit_s: float, what: str) -> bool:
        give_up_at_s = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > give_up_at_s:
                why = self.watch.lacks() or "some are not up"
                self.violations.append(f"waited {limit_s:.0f} s in vain for {what}: {why}")
                return False
            time.sleep(0.2)
        return True

    def _tell(self, step: plan.Step) -> None:
        line = f"{time.strftime('%H:%M:%S')} {time.time():.3f} {step}"
        with (self._scene.folder / "steps.log").open("a") as log:
            log.write(line + "\n")
        if sys.stderr.isatty():
            end = self._steps[-1].at_s
            print(f"\r{step.at_s:6.1f} of {end:.0f} s  {step.name:<60}", end="", file=sys.stderr)


def _kind_of(name: str) -> str:
    return "agent" if name in AGENTS else name


def run(folder: Path, minutes: float, seed: int, with_agent_kills: bool) -> Report:
    """Run it in a folder, and return what came of it.

    Parameters
    ----------
    folder : Path
        Gets everything; its path must be short, for sockets are in it.
    minutes : float
        For how long things go wrong; under five, what lasts is shorter.
    seed : int
        Decides what goes wrong.
    with_agent_kills : bool
        Whether agents are killed as well.
    """
    length_s = 60 * minutes
    long_s = LONG_S if length_s >= plan.SHORT_S else length_s / 10
    steps = plan.plan(seed, length_s, long_s, WIRED, AGENTS if with_agent_kills else ())
    scene = CountingScene(folder, frame_length_s=long_s / 3)
    went = Run(scene, steps)
    is_sound = False
    try:
        try:
            went.go()
        finally:
            left = scene.close()
        went.violations += [f"did not end by itself: {each}" for each in left]
        found = _report(scene, went, seed)
        is_sound = not found.violations
        return found
    finally:
        scene.unmount(keep=not is_sound)


def _report(scene: CountingScene, went: Run, seed: int) -> Report:
    counted = list(published.read(scene.published))
    recorded = judge.read(scene.data)
    verdict = judge.judge(counted, recorded, went.excuses)
    violations = [*went.violations, *scene.amiss, *verdict.violations]
    violations += judge.loaded_otherwise(scene.data, counted, recorded)
    violations += _unsound(scene)
    files = list(scene.data.glob("[0-9]*/*.g3"))
    if not scene.has_disks:
        went.happened["full disks were left out: only root can have them here"] = 0
    return Report(
        seed=seed,
        took_s=went.took_s,
        settled_s=went.settled_s,
        happened=dict(went.happened),
        agent_lives=len({(each.agent, each.session_id) for each in counted}),
        longest_lag_s=went.watch.longest_lag_s,
        longest_incomplete_s=went.watch.longest_incomplete_s,
        peak_bytes=went.watch.peak_bytes,
        verdict=verdict,
        files=len(files),
        files_bytes=sum(path.stat().st_size for path in files),
        violations=violations,
    )


def _unsound(scene: CountingScene) -> list[str]:
    """Return what `ocsd data verify` says, and what was set aside, as violations."""
    amiss = []
    log = scene.folder / "commands.log"
    begin = log.stat().st_size
    if scene.command("data", "verify", "--folder", str(scene.data)).wait(STOP_LIMIT_S):
        amiss.append(f"ocsd data verify: {log.read_bytes()[begin:].decode()}")
    for path in sorted((scene.data / "ocsd" / "quarantine").glob("*")):
        lines = path.read_text().splitlines()
        amiss.append(f"{len(lines)} messages are in quarantine, e.g. {lines[:1]}")
    return amiss


def main(arguments: list[str] | None = None) -> int:
    """Run it, print the report, and return the exit code."""
    options = _parser().parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ocsd-once-"))
    found = run(folder, options.minutes, options.seed, options.with_agent_kills)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(found.text())
    if options.json:
        told: dict[str, Any] = found.as_json()
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if found.violations:
        print(f"\neverything is kept in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactly_once", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--with-agent-kills", action="store_true")
    parser.add_argument("--json", type=Path, help="write the report there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
