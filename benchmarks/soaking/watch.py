"""Looks at a site all the time, and says what must not be."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.soaking.fault import Status, rows_of
from benchmarks.soaking.scene import RESTLESS, Scene
from ocsd.client.http import ControlClientError

UNNOTICED_LIMIT_S = 10.0
COPIES_LIMIT_S = 0.5
"""Between fork and exec, or while a process is being reaped, there may seem to be two."""

LOOK_EVERY_S = 0.25
ASK_EVERY_S = 4.0
ASKERS = 12
EVIDENCE_LINES = 12


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be.

    Attributes
    ----------
    at : float
        When it was seen [s, Unix time].
    what : str
        What was seen.
    during : str
        The faults at that time.
    evidence : tuple of str
        The last lines of the daemon's log.
    """

    at: float
    what: str
    during: str
    evidence: tuple[str, ...]


class Watch:
    """Looks at the processes, at the status, and whether agents answer.

    Parameters
    ----------
    scene : Scene
        The site.

    Attributes
    ----------
    status : dict or None
        The last status; None if the daemon does not answer.
    during : str
        What is being done to the site.
    """

    def __init__(self, scene: Scene) -> None:
        self.violations: list[Violation] = []
        self.status: Status | None = None
        self.during = "start"
        self._scene = scene
        self._expected: dict[str, int] = {}
        self._praised_since: dict[str, float] = {}
        self._unreachable_since: dict[str, float] = {}
        self._several_since: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()
        self._over = threading.Event()
        self._threads = [self._thread(self._look, LOOK_EVERY_S), self._thread(self._count, 1.0)]
        names = [*scene.names, *sorted(RESTLESS)]
        for number in range(ASKERS):
            self._threads.append(self._thread(self._asker(names[number::ASKERS]), 0.2))

    def start(self) -> None:
        """Begin."""
        for each in self._threads:
            each.start()

    def close(self) -> None:
        """End."""
        self._over.set()
        for each in self._threads:
            each.join()

    def expect(self, status: Status, but: Mapping[str, int]) -> None:
        """Have every process watched that runs now, except those of some names."""
        self._expected = {
            name: row["pid"]
            for name, row in rows_of(status).items()
            if row["pid"] not in (None, status["pid"]) and name not in RESTLESS and name not in but
        }

    def violated(self, what: str, key: str = "") -> None:
        """Note a violation, once for a key and what is being done."""
        if (key or what, self.during) in self._told:
            return
        self._told.add((key or what, self.during))
        lines = _last_lines(self._scene.paths.daemon_log)
        self.violations.append(Violation(time.time(), what, self.during, lines))

    # The daemon's view

    def _look(self) -> None:
        expected = self._expected
        self.status = status = self._scene.status()
        now_s = time.monotonic()
        if status is None:
            self._praised_since = {}
            return
        rows = rows_of(status)
        self._praised_since = {
            name: self._praised_since.get(name, now_s)
            for name, row in rows.items()
            if (row["state"], row["health"]) == ("up", "ok")
        }
        for name, pid in expected.items():
            row = rows.get(name)
            found = row["pid"] if row else None
            if found not in (pid, None) and expected is self._expected:
                self.violated(f"{name} has pid {found}, it had {pid}", f"pid of {name}")

    # The kernel's view

    def _count(self) -> None:
        found: dict[str, list[int]] = {}
        expected = self._expected
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                title = Path(f"/proc/{pid}/cmdline").read_bytes()
                if not title.startswith(b"ocsd: ") or os.getsid(int(pid)) != int(pid):
                    continue
                if not Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(self._scene.folder):
                    continue
                name = title.removeprefix(b"ocsd: ").rstrip(b"\0 ").decode()
                found.setdefault(name, []).append(int(pid))
        now_s = time.monotonic()
        several = {name: pids for name, pids in found.items() if len(pids) > 1}
        self._several_since = {name: self._several_since.get(name, now_s) for name in several}
        for name, since_s in self._several_since.items():
            if now_s - since_s >= COPIES_LIMIT_S:
                self.violated(f"copies of {name} run: {several[name]}", f"copies of {name}")
        for name, pid in expected.items():
            if expected is self._expected and not os.path.exists(f"/proc/{pid}"):
                self.violated(f"{name} (pid {pid}) does not run any more", f"end of {name}")

    # The view over the router

    def _asker(self, names: list[str]) -> Callable[[], None]:
        due_s = dict.fromkeys(names, 0.0)

        def ask_all() -> None:
            for name in names:
                if due_s[name] <= time.monotonic() and not self._over.is_set():
                    answered = self._ask(name)
                    due_s[name] = time.monotonic() + (ASK_EVERY_S if answered else 1.0)

        return ask_all

    def _ask(self, name: str) -> bool:
        asked_s = time.monotonic()
        try:
            self._scene.client(name).get_api()
        except (ControlClientError, OSError):
            since_s = self._unreachable_since.setdefault(name, asked_s)
            praised_s = self._praised_since.get(name)
            if praised_s is None:
                return False
            # Praised although it did not answer, from the later one of the two on.
            lasted_s = time.monotonic() - max(since_s, praised_s)
            if lasted_s > UNNOTICED_LIMIT_S + LOOK_EVERY_S:
                what = f"{name} is called up and ok, but has not answered for {lasted_s:.1f} s"
                self.violated(what, f"reach of {name}")
            return False
        self._unreachable_since.pop(name, None)
        return True

    def _thread(self, look: Callable[[], None], every_s: float) -> threading.Thread:
        def repeat() -> None:
            while not self._over.wait(every_s):
                look()

        return threading.Thread(target=repeat, daemon=True)


def _last_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(lines[-EVIDENCE_LINES:])


def rows_not_well(status: Status | None) -> str:
    """Return what is not as wanted, in one line, for the text of a violation."""
    if status is None:
        return "the daemon does not answer"
    rows: list[Any] = [
        f"{name} {row['state']}/{row['health']} {row.get('reason', '')}".strip()
        for name, row in rows_of(status).items()
        if name not in RESTLESS and (row["state"], row["health"]) != ("up", "ok")
    ]
    return "; ".join(rows[:5]) or "all is well now"
