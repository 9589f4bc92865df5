"""Commands of the site that run on events of an instance.

A hook gets the facts as one JSON object on its standard input. It cannot harm
the daemon: it has a time limit, few run at once, an instance that crashes over
and over fires it only now and then, and its failures end in the log.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from twisted.logger import Logger

from ocsd.daemon.children.orphans import Orphan
from ocsd.daemon.instances.ports import Clock, Timer
from ocsd.errors import UsageError
from ocsd.supervisor.events import end_reason, exited
from ocsd.system.files import tail
from ocsd.text.printable import one_line

HOOK_PAUSE_S: Final = 10.0
"""Minimum time between two runs of the same hook for one instance [s]."""

URGENT: Final = frozenset({"on-failed", "on-hung", "on-incident", "on-ok"})
"""Hooks that run first: a person may be woken by them, and a start fires many others."""

MOST_AT_ONCE: Final = 4
MOST_WAITING: Final = 100
HOOK_LIMIT_S: Final = 30.0
_KEPT_OUTPUT_BYTES: Final = 2000

Ended = Callable[[str, str], None]
"""Takes the failure of a hook that ended, empty if it succeeded, and what it printed."""


class Running(Protocol):
    """A hook that runs."""

    def kill(self) -> None:
        """End the hook at once."""


Run = Callable[[Sequence[str], bytes, Ended], Running]
"""Runs a command with some standard input."""


@dataclass(eq=False)
class Hooks:
    """Runs the commands of a host's ``hooks``."""

    log = Logger()

    commands: Mapping[str, Sequence[str]]
    """The words of each command, by occasion, e.g. ``on-failed``."""
    run: Run
    """Runs a command; see `ProcessHook`."""
    clock: Clock

    def __post_init__(self) -> None:
        self._fired_s: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}
        self._urgent: deque[tuple[str, dict[str, Any]]] = deque()
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._running = 0

    def fire(self, occasion: str, instance_id: str, facts: Mapping[str, Any]) -> bool:
        """Run the hook of an occasion, e.g. ``on-failed``, if there is one and it is not too soon.

        `facts` are its input, beside the occasion and the instance-id. Return whether it was not
        left out.
        """
        if occasion not in self.commands:
            return True
        key, now_s = (occasion, instance_id), self.clock.seconds()
        too_soon = now_s - self._fired_s.get(key, float("-inf")) < HOOK_PAUSE_S
        queue = self._waiting
        if occasion in URGENT:
            queue = self._urgent
        if too_soon or len(queue) >= MOST_WAITING:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            return False
        self._fired_s[key] = now_s
        left_out = self._left_out.pop(key, 0)
        head = {"occasion": occasion, "instance_id": instance_id}
        queue.append((occasion, {**head, **facts, "left_out": left_out}))
        self._begin()
        return True

    def try_out(
        self,
        occasion: str,
        instance_id: str,
        facts: Callable[[], Mapping[str, Any]],
        ended: Ended,
    ) -> None:
        """Run the hook of an occasion at once, although nothing has happened.

        Raises
        ------
        UsageError
            If there is none.
        """
        if occasion not in self.commands:
            there_are = ", ".join(self.commands) or "none"
            raise UsageError(
                f"the site file has no hook {occasion!r} for this host; it has: {there_are}"
            )
        self._running += 1
        head = {"occasion": occasion, "instance_id": instance_id}
        self._start(occasion, {**head, **facts(), "left_out": 0}, ended)

    def is_due(self, occasion: str, instance_id: str) -> bool:
        """Whether `fire` would not leave this occasion out as too soon."""
        before_s = self._fired_s.get((occasion, instance_id), float("-inf"))
        return self.clock.seconds() - before_s >= HOOK_PAUSE_S

    def _begin(self) -> None:
        while (queue := self._urgent or self._waiting) and self._running < MOST_AT_ONCE:
            self._running += 1
            self._start(*queue.popleft())

    def _start(self, occasion: str, facts: dict[str, Any], on_end: Ended = lambda *_: None) -> None:
        limit: list[Timer] = []

        def ended(trouble: str, printed: str) -> None:
            for timer in limit:
                if timer.active():
                    timer.cancel()
            self._running -= 1
            on_end(trouble, printed)
            if trouble and printed:
                trouble += f"; it printed: {one_line(printed)}"
            if trouble:
                self.log.warn(
                    "hook {occasion} of {name}: {trouble}",
                    occasion=occasion,
                    name=facts["instance_id"],
                    trouble=trouble,
                )
            self._begin()

        try:
            running = self.run(self.commands[occasion], json.dumps(facts).encode() + b"\n", ended)
        except OSError as failure:
            ended(f"cannot be run: {failure}", "")
            return
        limit.append(self.clock.callLater(HOOK_LIMIT_S, running.kill))


class ProcessHook:
    """A hook as a process without pipes: files cannot make either side wait for the other.

    `ended` is called when it is over.
    """

    def __init__(self, reactor: Any, command: Sequence[str], facts: bytes, ended: Ended) -> None:
        self._ended = ended
        self._killed = False
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process is gone
        with tempfile.TemporaryFile() as given:
            given.write(facts)
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
        """End the process, and all that it started."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _gone(self) -> None:
        code = self._process.wait()
        with self._printed as file:
            printed = tail(file, _KEPT_OUTPUT_BYTES).decode("utf-8", "replace")
        failure = ""
        if code and self._killed:
            failure = f"took longer than {HOOK_LIMIT_S:.0f} s"
        elif code:
            failure = end_reason(exited(code))
        self._ended(failure, printed)
