"""Commands that the site runs when something happens to an instance.

A hook gets the facts as one JSON object on its standard input. It cannot harm
the daemon: it has a time limit, few run at once, an instance that crashes over
and over fires it only now and then, and what goes wrong ends in the log.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from twisted.logger import Logger

from ocsd.daemon.children.orphans import Orphan
from ocsd.daemon.instances.ports import Clock, Timer
from ocsd.supervisor.events import Exited, end_reason

HOOK_PAUSE_S: Final = 10.0
"""A hook is run for the same occasion of the same instance at most so often."""

URGENT: Final = frozenset({"on-failed", "on-hung", "on-incident"})
"""What somebody may be woken for does not wait behind all else that happens at a start."""

MOST_AT_ONCE: Final = 4
MOST_WAITING: Final = 100
HOOK_LIMIT_S: Final = 30.0
_KEPT_OUTPUT_BYTES: Final = 2000

Ended = Callable[[str], None]
"""Takes what went wrong with a hook that ended; nothing if all went well."""


class Running(Protocol):
    """A hook that runs."""

    def kill(self) -> None:
        """End it at once."""


Run = Callable[[Sequence[str], bytes, Ended], Running]
"""Runs a command with some standard input."""


class Hooks:
    """Runs the commands of a host's ``hooks``.

    Parameters
    ----------
    commands : mapping of str to sequence of str
        By occasion, e.g. ``on-failed``; each as its words.
    run : callable
        Runs one; see `ProcessHooks`.
    clock : Clock
        The time.
    """

    log = Logger()

    def __init__(self, commands: Mapping[str, Sequence[str]], run: Run, clock: Clock) -> None:
        self.commands = commands
        self._run = run
        self._clock = clock
        self._fired_s: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}
        self._urgent: deque[tuple[str, dict[str, Any]]] = deque()
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._running = 0

    def fire(self, occasion: str, name: str, facts: Mapping[str, Any]) -> None:
        """Run the hook of an occasion, if there is one and it is not too soon.

        Parameters
        ----------
        occasion : str
            E.g. ``on-failed``.
        name : str
            The instance.
        facts : mapping
            What the hook is told, besides the occasion and the name.
        """
        if occasion not in self.commands:
            return
        what, now_s = (occasion, name), self._clock.seconds()
        last_s = self._fired_s.get(what)
        too_soon = last_s is not None and now_s - last_s < HOOK_PAUSE_S
        queue = self._urgent if occasion in URGENT else self._waiting
        if too_soon or len(queue) >= MOST_WAITING:
            self._left_out[what] = self._left_out.get(what, 0) + 1
            return
        self._fired_s[what] = now_s
        told = {"occasion": occasion, "instance_id": name, **facts}
        told["left_out"] = self._left_out.pop(what, 0)
        queue.append((occasion, told))
        self._begin()

    def _begin(self) -> None:
        while (queue := self._urgent or self._waiting) and self._running < MOST_AT_ONCE:
            occasion, told = queue.popleft()
            self._running += 1
            self._start(occasion, told)

    def _start(self, occasion: str, told: dict[str, Any]) -> None:
        limit: list[Timer] = []

        def ended(trouble: str) -> None:
            for timer in limit:
                if timer.active():
                    timer.cancel()
            self._running -= 1
            if trouble:
                self.log.warn(
                    "hook {occasion} of {name}: {trouble}",
                    occasion=occasion,
                    name=told["instance_id"],
                    trouble=trouble,
                )
            self._begin()

        try:
            running = self._run(self.commands[occasion], json.dumps(told).encode() + b"\n", ended)
        except OSError as failure:
            ended(f"cannot be run: {failure}")
            return
        limit.append(self._clock.callLater(HOOK_LIMIT_S, running.kill))


class ProcessHooks:
    """Runs hooks as processes (`Run`).

    Parameters
    ----------
    reactor : IReactorFDSet
        Tells when they end.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __call__(self, command: Sequence[str], told: bytes, ended: Ended) -> Running:
        """Start a process; `ended` is called when it is over."""
        return _Hook(self._reactor, command, told, ended)


def _one_line(text: str) -> str:
    """Return what a program printed as it can stand in a log."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))


class _Hook:
    """A process without pipes: files cannot make either side wait for the other."""

    def __init__(self, reactor: Any, command: Sequence[str], told: bytes, ended: Ended) -> None:
        self._ended = ended
        self._killed = False
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process is gone
        with tempfile.TemporaryFile() as given:
            given.write(told)
            given.seek(0)
            self._process = subprocess.Popen(
                command,
                stdin=given,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watch = Orphan(reactor, self._process.pid, self._gone)

    def kill(self) -> None:
        """End it, and what it started."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _gone(self) -> None:
        code = self._process.wait()
        with self._printed as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _KEPT_OUTPUT_BYTES))
            printed = _one_line(file.read().decode("utf-8", "replace"))
        if code == 0:
            self._ended("")
            return
        how = end_reason(Exited(code if code > 0 else None, -code if code < 0 else None))
        if self._killed:
            how = f"took longer than {HOOK_LIMIT_S:.0f} s"
        self._ended(f"{how}; it printed: {printed}" if printed else how)
