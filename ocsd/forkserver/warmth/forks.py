"""Forks processes that wait until they may begin, one of them before it is asked for.

To load a router takes a third of a second, in which no call is answered. Its process is therefore
forked beforehand: while the daemon is still being loaded, and again some time after each start of
a router.
"""

import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, NamedTuple, NoReturn

import ocsd
from ocsd.forkserver.protocol import LineBuffer, Message, SpawnRequest, encode
from ocsd.forkserver.warmth.loaded import LoadedCode, package_folders
from ocsd.forkserver.warmth.loading import Loading
from ocsd.system.proc import what_holds

ROUTER_PAUSE_S: Final = 10.0
"""Time without a request after which the next router is forked [s]: a start is over then."""

PREPARED: Final = "ocsd.router.crossbar_node"
"""The program that is loaded beforehand."""

_HELD_OVER_FORK: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}
_TITLE: Final = "ocsd waits to be the next router"
_ONE_READ_BYTES: Final = 1 << 16


class Forked(NamedTuple):
    """Processes that wait until they may begin."""

    pids: tuple[int, ...]
    gate: int
    word: bytes
    """What each of them reads from the gate when it may begin."""

    @property
    def pid(self) -> int:
        """The first of them."""
        return self.pids[0]

    def begin(self) -> None:
        """Let them begin."""
        with contextlib.suppress(BrokenPipeError):  # they were killed already
            os.write(self.gate, self.word * len(self.pids))
        os.close(self.gate)


def fork(*becomes: Callable[[int], NoReturn], word: bytes = b".") -> Forked:
    """Fork processes, which are to read from a gate before they do anything.

    They must not live on if this process dies before it has recorded them: then the gate is
    closed. A page that this process writes to after a fork is copied, and the old one left to
    the child. So it does as little as possible between two forks.

    Parameters
    ----------
    *becomes : callable
        Called with the descriptor of the gate, each in a child of its own. Signals that the fork
        server handles are held back until it has handlers of its own.
    word : bytes
        What each child gets when it may begin.

    Returns
    -------
    Forked
        As many as there was room for, in this order.

    Raises
    ------
    OSError
        If there is no room for another process.
    """
    reading, writing = os.pipe()
    pids: list[int] = []
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_OVER_FORK)
    try:
        for become in becomes:
            pid = os.fork()
            if pid == 0:
                _begin(become, reading, writing)
            pids.append(pid)
    except OSError:
        if not pids:
            os.close(writing)
            raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        os.close(reading)
    return Forked(tuple(pids), writing, word)


def _begin(become: Callable[[int], NoReturn], reading: int, writing: int) -> NoReturn:
    try:
        os.close(writing)
        become(reading)
    except BaseException:  # noqa: BLE001 - the fork server's own code must not go on here
        traceback.print_exc()
    finally:
        os._exit(1)


@dataclass(eq=False)
class Spares:
    """At most one process, which waits to become the next router."""

    loading: Loading
    """The libraries of the fork server."""
    _request: SpawnRequest | None = None
    _is_urgent: bool = False
    _waiting: Forked | None = None
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
        waiting = self._waiting
        if waiting is None or request.command[3:4] != (PREPARED,):
            return None
        if not self._is_for(request) or what_holds(waiting.pid):
            self.end()
            return None
        self._waiting = None
        return waiting._replace(word=encode(request))

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

    def ended(self, pid: int) -> None:
        """Forget a process that has ended before it was taken; another one might end as well."""
        if self._waiting is not None and self._waiting.pid == pid:
            os.close(self._waiting.gate)
            self._waiting = self._request = None

    def end(self) -> None:
        """End the process that waits."""
        if self._waiting is not None:
            os.close(self._waiting.gate)
            os.kill(self._waiting.pid, signal.SIGKILL)
            os.waitpid(self._waiting.pid, 0)
            self._waiting = None

    def _load_and_wait(
        self, prepared: SpawnRequest, leave: Callable[[], None], gate: int
    ) -> NoReturn:
        # The fork server's loop needs none of them.
        setproctitle = importlib.import_module("setproctitle").setproctitle
        child = importlib.import_module("ocsd.forkserver.child")
        programs = importlib.import_module("ocsd.forkserver.programs")
        try:
            leave()
            setproctitle(_TITLE)
            programs.load(prepared)
            self.loading.end_in_fork()
            own = os.path.dirname(ocsd.__file__)
            code = LoadedCode(list(sys.modules.values()), own, package_folders())
            received = b""
            while not received.endswith(b"\n"):
                more = os.read(gate, _ONE_READ_BYTES)
                if not more:
                    os._exit(0)
                received += more
            os.close(gate)
            (request,) = LineBuffer().feed(received)
            if not isinstance(request, SpawnRequest):
                os._exit(1)
        except BaseException:  # noqa: BLE001 - the fork server's own code must not go on here
            traceback.print_exc()
            os._exit(1)
        child.become(code.changed, request)
        os._exit(1)


def _let_go() -> None:
    """Let go of the daemon's pipe and terminal, which it waits for others to close."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
