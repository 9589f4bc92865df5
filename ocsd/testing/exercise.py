"""Exercises an agent for the conformance suite and records the result."""

import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ocsd.base import ERROR, OK
from ocsd.client.http import ControlClientError
from ocsd.testing.agent_process import RunningProgram
from ocsd.testing.listener import FeedLog
from ocsd.testing.patience import wait_until
from ocsd.testing.router import LocalRouter
from ocsd.testing.subject import Simulation, Subject

AGENT_START_LIMIT_S = 30.0
AGENT_ANSWER_LIMIT_S = 6.0
"""Longer than the time after which an agent without a heartbeat counts as dead."""
OPERATION_STOP_LIMIT_S = 10.0
TASK_LIMIT_S = 30.0
SETTLE_S = 2.0
"""Time to watch a process that publishes nothing."""
FIRST_MESSAGE_LIMIT_S = 15.0

Session = dict[str, Any]

_numbers = itertools.count(1)


@dataclass
class Bench:
    """The router and the listener that all agents under test share."""

    router: LocalRouter
    feeds: FeedLog


class Exercised:
    """An agent in a process, with its device and a client.

    If not `plugged`, the device is absent when the agent starts.
    """

    def __init__(self, subject: Subject, bench: Bench, plugged: bool = True) -> None:
        self.subject, self.bench = subject, bench
        self.instance_id = f"conformance-{next(_numbers)}"
        self.client = bench.router.client(self.instance_id, AGENT_ANSWER_LIMIT_S)
        self._stack = ExitStack()
        self.simulation: Simulation | None = None
        words = ["--instance-id", self.instance_id, *bench.router.options]
        simulate = subject.simulate()
        if simulate is not None:
            self.simulation = self._stack.enter_context(simulate)
            words = [*map(str, self.simulation.arguments), *words]
            if not plugged:
                self.simulation.device.unplug()
        self.process = self._stack.enter_context(RunningProgram(subject.command(*words)))

    def close(self) -> None:
        """End everything."""
        self._stack.close()

    def alive(self) -> bool:
        """Whether it runs and answers."""
        if self.process.exit_code is not None:
            return False
        try:
            self.client.get_api()
        except ControlClientError:
            return False
        return True

    def api(self) -> dict[str, Any]:
        """Return its description."""
        return self.client.get_api()

    def processes(self) -> list[str]:
        """Return the names of its processes."""
        return [name for name, _, _ in self.api()["processes"]]

    def tasks(self) -> list[str]:
        """Return the names of its tasks; those that prepare the device come first."""
        names = [name for name, _, _ in self.api()["tasks"]]
        return sorted(names, key=lambda name: not name.startswith("init"))

    def recorded_feeds(self) -> set[str]:
        """Return the names of the feeds that are to be recorded."""
        return {name for name, info in self.api()["feeds"] if info["record"]}

    def start(self, name: str, params: dict[str, Any] | None = None) -> tuple[int, str, Session]:
        """Ask for an operation to be started; return code, text and session."""
        reply: tuple[int, str, Session] = self.client.request("start", name, params or {})
        return reply

    def session(self, name: str) -> Session:
        """Return the present session of an operation, empty if it never ran."""
        session: Session = self.client.request("status", name)[2]
        return session

    def ended(self, name: str, limit_s: float) -> bool:
        """Wait for the end of an operation."""
        code: int = self.client.request("wait", name, timeout=limit_s)[0]
        return code == OK

    def stop(self, name: str) -> bool:
        """Stop a process and wait for its end; False if it does not end."""
        self.client.request("stop", name)
        return self.ended(name, OPERATION_STOP_LIMIT_S)

    def idle(self) -> bool:
        """End all operations; False if one does not end."""
        for name in self.processes():
            if self.session(name).get("status", "done") != "done" and not self.stop(name):
                return False
        for name in self.tasks():
            if self.session(name).get("status", "done") != "done":
                self.client.request("abort", name)
                if not self.ended(name, TASK_LIMIT_S):
                    return False
        return True

    def prepare(self) -> None:
        """Run the tasks that prepare the device, as an operator does."""
        for name in self.tasks():
            if name.startswith("init"):
                self.start(name)
                self.ended(name, TASK_LIMIT_S)

    def messages(self) -> list[tuple[Any, dict[str, Any]]]:
        """Return its messages on feeds that are to be recorded, each with its feed_info."""
        return [
            (message, info)
            for message, info in self.bench.feeds.heard()
            if info["agent_address"] == self.client.agent_addr and info["record"]
        ]

    def publishes(self, limit_s: float = FIRST_MESSAGE_LIMIT_S) -> bool:
        """Wait for a new message; False if none comes."""
        before = len(self.messages())
        return wait_until(lambda: len(self.messages()) > before, limit_s)

    def watch(self, name: str, condition: Callable[[Session], Any], limit_s: float) -> Session:
        """Wait until a condition holds for the session of an operation; return the session."""
        deadline_s = time.monotonic() + limit_s
        session = self.session(name)
        while not condition(session) and time.monotonic() < deadline_s:
            time.sleep(0.1)  # each poll is a request
            session = self.session(name)
        return session


@dataclass
class ProcessRun:
    """One run of a process operation, as seen from outside."""

    reply: tuple[int, str, Session] = (ERROR, "no answer", {})
    while_running: Session = field(default_factory=dict)
    published: int = 0
    ended_by_itself: bool = False
    second_reply: tuple[int, str, Session] | None = None
    stopped: bool = False
    final: Session = field(default_factory=dict)
    silent: str = ""
    """The reason why the agent no longer answered; empty if it did."""

    @property
    def started(self) -> bool:
        """Whether it started at all."""
        return self.reply[0] == OK

    @property
    def failed(self) -> bool:
        """Whether it ended without success before it was asked to end."""
        return self.ended_by_itself and not self.final["success"]


def run_once(agent: Exercised, name: str, watch_s: float = SETTLE_S) -> ProcessRun:
    """Start a process, watch it, try to start it again, stop it."""
    before = len(agent.messages())
    run = ProcessRun()

    def seen_enough(session: Session) -> bool:
        run.published = len(agent.messages()) - before
        return session["status"] == "done" or run.published > 0

    try:
        run.reply = agent.start(name)
        if not run.started:
            return run
        run.while_running = agent.watch(name, seen_enough, watch_s)
        if run.while_running["status"] == "done":
            run.ended_by_itself = run.stopped = True
            run.final = run.while_running
            return run
        run.second_reply = agent.start(name)
        run.stopped = agent.stop(name)
        run.final = agent.session(name)
    except ControlClientError as error:
        run.silent = error.reason or error.error
    return run


def run_everything(agent: Exercised) -> dict[str, list[ProcessRun]]:
    """Run every process twice, one after the other; return the runs by name.

    A process that does not end is the last one that is run.
    """
    runs: dict[str, list[ProcessRun]] = {}
    agent.prepare()
    for name in agent.processes():
        runs[name] = _run_twice(agent, name)
        last = runs[name][-1]
        if last.silent or (last.started and not last.stopped):
            return runs
    if agent.recorded_feeds() and not any(run.published for name in runs for run in runs[name]):
        # Perhaps all are slow: watch each for longer, until one publishes.
        for name in runs:
            runs[name].append(run_once(agent, name, FIRST_MESSAGE_LIMIT_S))
            if runs[name][-1].published:
                break
    return runs


def _run_twice(agent: Exercised, name: str) -> list[ProcessRun]:
    first = run_once(agent, name)
    if first.started and first.stopped:
        return [first, run_once(agent, name)]
    return [first]
