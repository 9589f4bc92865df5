"""What a soak does to a site, and how it is known that the site got over it."""

import contextlib
import os
import random
import signal
from collections.abc import Callable

from benchmarks.soaking.fault import (
    AGGREGATOR,
    LIMIT_S,
    ROUTER,
    SILENCE_S,
    Fault,
    Status,
    all_well,
    is_new,
    is_well,
    rows_of,
)
from benchmarks.soaking.operator import Operator
from benchmarks.soaking.scene import Scene


class Faults:
    """Makes faults of a scene.

    Parameters
    ----------
    scene : Scene
        The site.
    dice : random.Random
        What decides.
    """

    def __init__(self, scene: Scene, dice: random.Random) -> None:
        self._scene = scene
        self._dice = dice
        self._operator = Operator(scene)
        self._makers: dict[str, tuple[int, Callable[[Status], Fault]]] = {
            "kill agent": (6, self._kill_agent),
            "stop agent": (3, self._stop_agent),
            "stop agent for good": (1, self._stop_agent_for_good),
            "exit 0": (2, lambda status: self._exit(0, status)),
            "exit 1": (2, lambda status: self._exit(1, status)),
            "exit 125": (2, lambda status: self._exit(125, status)),
            "hang agent": (1, self._hang_agent),
            "kill router": (2, lambda status: self._kill(ROUTER, status)),
            "stop router": (2, lambda status: self._stop(ROUTER, status)),
            "kill aggregator": (2, lambda status: self._kill(AGGREGATOR, status)),
            "stop aggregator": (2, lambda status: self._stop(AGGREGATOR, status)),
            "kill fork server": (3, self._kill_fork_server),
            "stop fork server": (2, self._stop_fork_server),
            "kill daemon": (4, self._kill_daemon),
            "stop daemon": (2, self._stop_daemon),
            "kill daemon and fork server": (2, self._kill_both),
            "restart command": (3, self._restart),
            "down and up": (2, self._down_and_up),
            "reload: changed": (2, self._reload_changed),
            "reload: removed and added": (2, self._reload_removed),
        }

    def some(self, status: Status) -> list[Fault]:
        """Return the faults that come next: one, or a few at once with different targets."""
        wanted = self._dice.choices((1, 2, 3), (7, 2, 1))[0]
        found: list[Fault] = []
        while len(found) < wanted:
            kinds = list(self._makers)
            weights = [self._makers[kind][0] for kind in kinds]
            fault = self._makers[self._dice.choices(kinds, weights)[0]][1](status)
            if all(_go_together(fault, each) for each in found):
                found.append(fault)
        return found

    # Agents, router, aggregator

    def _any(self) -> str:
        return self._dice.choice(self._scene.names)

    def _kill_agent(self, status: Status) -> Fault:
        return self._kill(self._any(), status, "kill agent")

    def _kill(self, name: str, status: Status, kind: str = "") -> Fault:
        pid = rows_of(status)[name]["pid"]
        return Fault(
            kind or f"kill {name}",
            name,
            lambda: _send(pid, signal.SIGKILL),
            lambda now: is_new(now, name, pid) and (name != ROUTER or all_well(now)),
            {name: 1},
        )

    def _stop_agent(self, status: Status) -> Fault:
        return self._stop(self._any(), status, "stop agent")

    def _stop(self, name: str, status: Status, kind: str = "") -> Fault:
        pid = rows_of(status)[name]["pid"]
        return Fault(
            kind or f"stop {name}",
            name,
            lambda: _send_all(pid, signal.SIGSTOP),
            lambda now: is_well(rows_of(now).get(name)) and (name != ROUTER or all_well(now)),
            lasts_s=self._dice.uniform(3.0, 0.7 * SILENCE_S),
            undo=lambda: _wake(pid),
        )

    def _stop_agent_for_good(self, status: Status) -> Fault:
        name = self._any()
        pid = rows_of(status)[name]["pid"]
        return Fault(
            "stop agent for good",
            name,
            lambda: _send_all(pid, signal.SIGSTOP),
            lambda now: is_new(now, name, pid),
            {name: 1},
            limit_s=LIMIT_S + SILENCE_S,
        )

    def _exit(self, code: int, status: Status) -> Fault:
        name = self._dice.choice(self._scene.willing)
        pid = rows_of(status)[name]["pid"]
        undo = (lambda: self._operator.bring_back(name)) if code == 125 else None
        return Fault(
            f"exit {code}",
            name,
            lambda: self._operator.tell(name, "end", {"code": code}),
            lambda now: is_new(now, name, pid),
            {name: 1},
            lasts_s=3.0 if undo else 0.0,
            undo=undo,
        )

    def _hang_agent(self, status: Status) -> Fault:
        name = self._dice.choice(self._scene.willing)
        pid = rows_of(status)[name]["pid"]
        return Fault(
            "hang agent",
            name,
            lambda: self._operator.tell(name, "hang"),
            lambda now: is_new(now, name, pid),
            {name: 1},
            limit_s=LIMIT_S + SILENCE_S,
        )

    # Fork server and daemon

    def _kill_fork_server(self, status: Status) -> Fault:
        scene, pid = self._scene, self._scene.fork_server()
        return Fault(
            "kill fork server",
            "fork server",
            lambda: _send(pid, signal.SIGKILL),
            lambda now: (
                scene.fork_server_listens()
                and scene.fork_server() not in {pid, None}
                and all_well(now)
            ),
        )

    def _stop_fork_server(self, status: Status) -> Fault:
        pid = self._scene.fork_server()
        return Fault(
            "stop fork server",
            "fork server",
            lambda: _send(pid, signal.SIGSTOP),
            all_well,
            lasts_s=self._dice.uniform(3.0, 15.0),
            undo=lambda: _wake(pid),
        )

    def _kill_daemon(self, status: Status) -> Fault:
        pid = status["pid"]
        return Fault(
            "kill daemon",
            "daemon",
            lambda: _send(pid, signal.SIGKILL),
            lambda now: now["pid"] != pid and all_well(now),
            lasts_s=self._dice.uniform(0.0, 5.0),
            undo=self._operator.start,
        )

    def _stop_daemon(self, status: Status) -> Fault:
        pid = status["pid"]
        return Fault(
            "stop daemon",
            "daemon",
            lambda: _send(pid, signal.SIGSTOP),
            all_well,
            # Sometimes longer than an agent may be silent: it was the daemon who did not listen.
            lasts_s=self._dice.uniform(3.0, 1.5 * SILENCE_S),
            undo=lambda: _wake(pid),
        )

    def _kill_both(self, status: Status) -> Fault:
        pids = [status["pid"], self._scene.fork_server()]
        self._dice.shuffle(pids)

        def do() -> None:
            for pid in pids:
                _send(pid, signal.SIGKILL)

        return Fault(
            "kill daemon and fork server",
            "daemon",
            do,
            lambda now: now["pid"] not in pids and all_well(now),
            lasts_s=self._dice.uniform(0.0, 5.0),
            undo=self._operator.start,
        )

    # Commands

    def _restart(self, status: Status) -> Fault:
        name = self._any()
        pid = rows_of(status)[name]["pid"]
        starts = {name: 1}

        def again() -> None:  # the daemon may have been killed when it had done it
            starts[name] += 1

        return Fault(
            "restart command",
            name,
            lambda: self._operator.run("restart", name, on_repeat=again),
            lambda now: is_new(now, name, pid),
            starts,
        )

    def _down_and_up(self, status: Status) -> Fault:
        name = self._any()
        pid = rows_of(status)[name]["pid"]
        return Fault(
            "down and up",
            name,
            lambda: self._operator.run("down", name),
            lambda now: is_new(now, name, pid),
            {name: 1},
            lasts_s=self._dice.uniform(0.0, 5.0),
            undo=lambda: self._operator.run("up", name),
        )

    def _reload_changed(self, status: Status) -> Fault:
        name = self._dice.choice(self._scene.willing)
        pid = rows_of(status)[name]["pid"]

        setting = f"{self._dice.random():.6f}"

        def edit() -> None:
            self._scene.entries[name] |= {"arguments": ["--setting", setting]}
            self._scene.write()

        return Fault(
            "reload: changed",
            "site file",
            lambda: self._operator.run("reload", "--no-wait", first=edit),
            lambda now: is_new(now, name, pid),
            {name: 1},
        )

    def _reload_removed(self, status: Status) -> Fault:
        # A file in which an instance waits for one that is gone is refused.
        waited_for = {each for one in self._scene.entries.values() for each in one.get("after", ())}
        name = self._dice.choice([one for one in self._scene.names if one not in waited_for])
        pid = rows_of(status)[name]["pid"]
        entry = self._scene.entries[name]

        def remove() -> None:
            del self._scene.entries[name]
            self._scene.write()

        def add() -> None:
            self._scene.entries[name] = entry
            self._scene.write()

        return Fault(
            "reload: removed and added",
            "site file",
            lambda: self._operator.run("reload", "--no-wait", first=remove),
            lambda now: is_new(now, name, pid),
            {name: 1},
            lasts_s=self._dice.uniform(0.5, 6.0),
            undo=lambda: self._operator.run("reload", "--no-wait", first=add),
        )


def _go_together(one: Fault, other: Fault) -> bool:
    # Whether a call can arrive must not hang on the other fault. And a daemon that starts
    # with an edited file takes over what runs as it is, without a restart.
    far = {ROUTER, "daemon", "fork server"}
    told = {"hang agent", "exit 0", "exit 1", "exit 125"}
    for first, second in ((one, other), (other, one)):
        if first.kind in told and second.target in far:
            return False
        if first.target == "site file" and second.kind.startswith("kill daemon"):
            return False
    reloads = one.target == other.target == "site file"
    shared = {one.target, *one.starts} & {other.target, *other.starts}
    return not reloads and not shared


def _send(pid: int | None, number: int) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _send_all(pid: int, number: int) -> None:
    # crossbar's workers are processes of their own.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _wake(pid: int | None) -> None:
    if pid is not None:
        _send_all(pid, signal.SIGCONT)
