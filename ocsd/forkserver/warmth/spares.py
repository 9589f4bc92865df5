"""Processes that are forked before they are asked for: the next router, and the next agent.

To load a router takes a third of a second, in which no call is answered. Its process is therefore
forked beforehand: while the daemon is still being loaded, and again some time after each start of
a router. An agent that is started again has no time to lose either. To fork its process and to
copy the pages that every agent writes to takes half of its start.
"""

import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, NoReturn

import ocsd
from ocsd.forkserver.protocol import LineBuffer, Message, SpawnRequest, encode
from ocsd.forkserver.warmth.forks import Forked, fork
from ocsd.forkserver.warmth.loaded import LoadedCode, package_folders
from ocsd.forkserver.warmth.loading import Loading
from ocsd.system.proc import is_dying, what_holds

ROUTER_PAUSE_S: Final = 10.0
"""Time without a request after which the next router is forked [s]: a start is over then."""

AGENT_PAUSE_S: Final = 4.0
"""The same of the next agent [s]: all agents of a start run by then."""

SECOND_AGENT_PAUSE_S: Final = 0.2
"""The same after an agent that waited was taken [s]: only that one starts."""

PREPARED: Final = "ocsd.router.crossbar_node"
"""The program that is loaded beforehand."""

_WAITS_TO_BE: Final = "ocsd waits to be the next {}"
_ONE_READ_BYTES: Final = 1 << 16


@dataclass(eq=False)
class _Spare:
    """At most one process, which waits until it is asked for."""

    loading: Loading
    """The libraries of the fork server."""
    _waiting: Forked | None = None

    def end(self) -> None:
        """End the process that waits."""
        if self._waiting is not None:
            os.close(self._waiting.gate)
            os.kill(self._waiting.pid, signal.SIGKILL)
            os.waitpid(self._waiting.pid, 0)
            self._waiting = None

    def has_ended(self, pid: int) -> bool:
        """Forget the process if it has ended before it was taken; return whether it was this one.

        Another one might end as well.
        """
        if self._waiting is None or self._waiting.pid != pid:
            return False
        os.close(self._waiting.gate)
        self._waiting = None
        return True

    def _taken(self, request: SpawnRequest) -> Forked | None:
        """Return the process that becomes what is asked for; None if it cannot run."""
        waiting = self._waiting
        if waiting is None or is_dying(waiting.pid) or what_holds(waiting.pid):
            self.end()
            return None
        self._waiting = None
        return waiting._replace(word=encode(request))


@dataclass(eq=False)
class NextRouter(_Spare):
    """At most one process, which waits to become the next router."""

    _request: SpawnRequest | None = None
    _is_urgent: bool = False
    _loaded: SpawnRequest | None = None
    """The request for which the waiting process was loaded."""

    def guess(self, request: SpawnRequest) -> None:
        """Fork a process that loads a router before it is known whether this request will come.

        Only for a fork server that does not serve yet.
        """
        self._request = request
        self.prepare(_let_go)
        self._request = None

    def expect(self, request: Message | None) -> None:
        """Have a process ready as soon as possible, if this request is for a router.

        None means that no router will be asked for.
        """
        if request is not None:
            self.started(request)
        if not self._is_for(request):
            self.end()
        self._is_urgent = self._waiting is None

    def started(self, request: Message) -> None:
        """Have a process ready later, because a router may have to be replaced."""
        if isinstance(request, SpawnRequest) and request.command[3:4] == (PREPARED,):
            self._request = request

    def due_s(self, asked_at_s: float) -> float:
        """Return when a process is to be forked, given the time of the last request [s]."""
        if self._request is None or self._waiting is not None:
            return inf
        return asked_at_s + (0.0 if self._is_urgent else ROUTER_PAUSE_S)

    def prepare(self, leave: Callable[[], None]) -> None:
        """Fork a process that loads a router; there, `leave` lets go of what is not its own."""
        if self._request is None:
            return
        if self.loading.code is not None and self.loading.code.changed():
            # After an upgrade it would mix old code with new, and take it for what is on the disk.
            self._request = None
            return
        self.loading.make_ready(for_agents=False)
        try:
            self._waiting = fork(partial(self._load_and_wait, self._request, leave))
            self._loaded = self._request
        except OSError:
            self._request = None
        self._is_urgent = False

    def take(self, request: SpawnRequest) -> Forked | None:
        """Return the process that becomes what a request asks for; None if it must be forked."""
        if request.command[3:4] != (PREPARED,):
            return None
        if not self._is_for(request):
            self.end()
        return self._taken(request)

    def _is_for(self, request: Message | None) -> bool:
        """Whether the process that waits, if there is one, has loaded what this request needs."""
        loaded = self._loaded
        if loaded is None or not isinstance(request, SpawnRequest):
            return False
        # What it has loaded depends on both: a guarded router must not begin as an open one.
        return (request.command[:4], request.environment) == (
            loaded.command[:4],
            loaded.environment,
        )

    def has_ended(self, pid: int) -> bool:
        """Forget the process if it has ended before it was taken; return whether it was this one.

        Another one might end as well.
        """
        ended = super().has_ended(pid)
        if ended:
            self._request = None
        return ended

    def _load_and_wait(
        self, prepared: SpawnRequest, leave: Callable[[], None], gate: int
    ) -> NoReturn:
        # The fork server's loop needs none of them.
        programs = importlib.import_module("ocsd.forkserver.programs")
        leave()
        _be_alone(gate, "router")
        programs.load(prepared)
        self.loading.end_in_fork()
        own = os.path.dirname(ocsd.__file__)
        code = LoadedCode(list(sys.modules.values()), own, package_folders())
        _become_what_is_asked_for(gate, code.changed)


@dataclass(eq=False)
class NextAgent(_Spare):
    """At most one process, which waits to become the next agent that is started by itself."""

    _is_wanted: bool = False
    _pause_s: float = AGENT_PAUSE_S

    def started(self, request: SpawnRequest) -> None:
        """Have a process ready later, because an agent may have to be replaced."""
        if not request.command:
            self._is_wanted = True

    def due_s(self, asked_at_s: float) -> float:
        """Return when a process is to be forked, given the time of the last request [s]."""
        if not self._is_wanted or self._waiting is not None or self.loading.pause_s < inf:
            return inf
        return asked_at_s + self._pause_s

    def prepare(self, leave: Callable[[], None]) -> None:
        """Fork a process that waits; there, `leave` lets go of what is not its own."""
        self._is_wanted, self._pause_s = False, AGENT_PAUSE_S
        if self.loading.code is None or self.loading.code.changed():
            return  # agents are executed instead of forked
        with contextlib.suppress(OSError):
            self._waiting = fork(partial(self._warm_up_and_wait, leave))

    def take(self, request: SpawnRequest) -> Forked | None:
        """Return the process that becomes what a request asks for; None if it must be forked."""
        if request.command or request.user is not None:
            return None
        if self.loading.changed():
            self.end()
        taken = self._taken(request)
        if taken is not None:
            self._pause_s = SECOND_AGENT_PAUSE_S
        return taken

    def _warm_up_and_wait(self, leave: Callable[[], None], gate: int) -> NoReturn:
        # The fork server's loop needs none of them.
        rehearsal = importlib.import_module("ocsd.forkserver.warmth.rehearsal")
        leave()
        _be_alone(gate, "agent")
        self.loading.end_in_fork()
        try:
            rehearsal.play_again()
        except Exception as error:  # noqa: BLE001 - it must never cost an agent
            sys.stderr.write(f"the next agent is not warmed up: {error!r}\n")
        gc.collect()
        # The fork server ends this process if what it has loaded changes.
        _become_what_is_asked_for(gate, lambda: None)


class Spares:
    """The processes that wait: the next router, and the next agent."""

    def __init__(self, loading: Loading) -> None:
        self.router = NextRouter(loading)
        self.agent = NextAgent(loading)
        self._all: tuple[NextRouter | NextAgent, ...] = (self.router, self.agent)

    def due_s(self, asked_at_s: float) -> float:
        """Return when a process is to be forked, given the time of the last request [s]."""
        return min(each.due_s(asked_at_s) for each in self._all)

    def prepare(self, leave: Callable[[], None], asked_at_s: float) -> None:
        """Fork the process that is due first; there, `leave` lets go of what is not its own."""
        min(self._all, key=lambda each: each.due_s(asked_at_s)).prepare(leave)

    def take(self, request: SpawnRequest) -> Forked | None:
        """Return the process that becomes what a request asks for; None if it must be forked."""
        return self.router.take(request) or self.agent.take(request)

    def started(self, request: SpawnRequest) -> None:
        """Have a process ready later, because this one may have to be replaced."""
        for each in self._all:
            each.started(request)

    def ended(self, pid: int) -> None:
        """Forget a process that has ended before it was taken."""
        for each in self._all:
            each.has_ended(pid)

    def end(self) -> None:
        """End the processes that wait."""
        for each in self._all:
            each.end()


def _be_alone(gate: int, role: str) -> None:
    """Give this process a title, and close all descriptors but the gate.

    The gate of another process that waits is among them: that one would never see it closed.
    """
    os.closerange(3, gate)
    os.closerange(gate + 1, os.sysconf("SC_OPEN_MAX"))
    # The fork server's loop does not need it.
    importlib.import_module("setproctitle").setproctitle(_WAITS_TO_BE.format(role))


def _become_what_is_asked_for(gate: int, changed: Callable[[], str | None]) -> NoReturn:
    """Wait for the request at the gate, and become that; end if the gate is closed instead."""
    child = importlib.import_module("ocsd.forkserver.child")
    received = b""
    while not received.endswith(b"\n"):
        more = os.read(gate, _ONE_READ_BYTES)
        if not more:
            os._exit(0)
        received += more
    os.close(gate)
    (request,) = LineBuffer().feed(received)
    if isinstance(request, SpawnRequest):
        child.become(changed, request)
    os._exit(1)


def _let_go() -> None:
    """Let go of the daemon's pipe and terminal, which it waits for others to close."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
