"""The fork server's loop: fork, signal, reap, report; nothing else.

Safety rules (docs/develop/architecture.md): exactly one thread, no reactor, no router
connection, and only libraries that survive a fork are loaded before one.
"""

import contextlib
import importlib
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, NoReturn, TypeAlias

from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.forkserver.place import Place
from ocsd.forkserver.protocol import (
    FOR_THE_LEADER,
    PROTOCOL_VERSION,
    Ended,
    EndRequest,
    ForgetRequest,
    Hello,
    KillRequest,
    LineBuffer,
    Report,
    Request,
    Spawned,
    SpawnRequest,
    encode,
)
from ocsd.forkserver.record import Record, lives
from ocsd.forkserver.remains import kill_remains
from ocsd.forkserver.streams import state_of_log
from ocsd.forkserver.warmth.forks import Forked, fork
from ocsd.forkserver.warmth.loading import Loading
from ocsd.forkserver.warmth.spares import Spares
from ocsd.system.proc import age_s, start_ticks

LONGEST_BACKLOG_BYTES = 1 << 22
"""The most unread bytes of a daemon before it is disconnected; the next Hello repeats all."""

IDLE_LIMIT_S = 5.0
"""After this long without a daemon, a child or an end to report, it ends [s]: its daemon was
killed before it had connected, and the next one has started another fork server."""

OWN_FILES_CHECK_S = 2.0
"""Time between two checks that its socket and its record are still there [s]."""

FORKED_TOGETHER = 8
"""The most agents that are forked together: each waits for all, at 5 ms of CPU a fork."""

_Wanted: TypeAlias = tuple[SpawnRequest, tuple[int, int]]
"""A request, and its log: inode and size."""


@dataclass(eq=False)
class ForkServer:
    """Parent of the processes that a daemon asks for."""

    place: Place
    record: Record
    """The record of its children, for its successor."""
    loading: Loading
    """The libraries of its children, which are loaded while nothing else is to be done."""
    spares: Spares
    """The next router and the next agent."""

    def __post_init__(self) -> None:
        earlier = self.record.earlier
        self._left = {process.pid: process for process in (*earlier.living, *earlier.gone)}
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, _Peer] = {}
        self._running: dict[int, Spawned] = {}
        self._ended = {ended.pid: ended for ended in earlier.ended}
        self._ending = False
        self._checked_at_s = self._asked_at_s = time.monotonic()
        self._wake_read, self._wake_write = socket.socketpair()

    def serve(self) -> None:
        """Serve until no child is left after an `EndRequest`, or until it is not needed."""
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # No signal may stop the parent of a telescope's agents by accident.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._selector.register(self.place.listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        # The next router may have ended before there was a handler.
        self._reap()
        self._report_trouble()
        while self._running or not self._ending:
            events = self._selector.select(self._patience_s)
            if not events and self._loads_at_s <= time.monotonic():
                self._get_ready()
            elif not events and not self._is_needed:
                break
            for key, ready in events:
                self._attend(key.fileobj, ready)
            self._check_files()
        self.spares.end()
        for peer in list(self._peers.values()):
            peer.flush()

    @property
    def _patience_s(self) -> float:
        """The time after which it does something else if nothing has happened [s]."""
        limit_s = IDLE_LIMIT_S
        if self._is_needed:
            limit_s = OWN_FILES_CHECK_S
        return max(0.0, min(limit_s, self._loads_at_s - time.monotonic()))

    @property
    def _loads_at_s(self) -> float:
        """When more is to be loaded, if nothing is asked for until then [s, monotonic]."""
        loads_at_s = self._asked_at_s + self.loading.pause_s
        return min(loads_at_s, self.spares.due_s(self._asked_at_s))

    def _get_ready(self) -> None:
        """Do a little of what makes later starts faster."""
        if self.spares.due_s(self._asked_at_s) <= time.monotonic():
            self.spares.prepare(self._leave_to_child, self._asked_at_s)
            return
        self.loading.step()
        self._report_trouble()

    def _report_trouble(self) -> None:
        if self.loading.trouble:
            told = f"rehearsal failed, agents take more memory:\n{self.loading.trouble}"
            print(told, file=sys.stderr)  # noqa: T201 - our log
            self.loading.trouble = ""

    def _check_files(self) -> None:
        now_s = time.monotonic()
        if now_s - self._checked_at_s < OWN_FILES_CHECK_S:
            return
        self._checked_at_s = now_s
        if self.place.is_lost:
            # Before the socket is closed, because it cannot be unregistered then.
            self._selector.unregister(self.place.listener)
            self.place.renew()
            self._selector.register(self.place.listener, selectors.EVENT_READ)
        if self.place.is_ours:
            self.record.renew()

    def _attend(self, ready_object: Any, ready: int) -> None:
        if ready_object is self.place.listener:
            self._accept()
        elif ready_object is self._wake_read:
            self._reap()
        elif ready_object in self._peers:  # not if it was dropped a moment ago
            self._talk(self._peers[ready_object], ready)

    @property
    def _is_needed(self) -> bool:
        return bool(self._peers or self._running or self._ended)

    def _accept(self) -> None:
        try:
            connection, _ = self.place.listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        peer = _Peer(connection)
        self._peers[connection] = peer
        self._selector.register(connection, selectors.EVENT_READ)
        orphans = self._orphans()
        running, ended = tuple(self._running.values()), tuple(self._ended.values())
        notice = self.record.earlier.notice
        self._send(peer, Hello(os.getpid(), PROTOCOL_VERSION, running, ended, orphans, notice))

    def _orphans(self) -> tuple[Spawned, ...]:
        """Return the living processes of earlier fork servers; record the ends of the others."""
        for process in list(self._left.values()):
            if not lives(process):
                del self._left[process.pid]
                kill_remains(process)
                ended = Ended(process.instance_id, process.pid, None, None)
                self._ended[process.pid] = ended
                self.record.ended(ended)
        return tuple(self._left.values())

    def _talk(self, peer: "_Peer", ready: int) -> None:
        try:
            if ready & selectors.EVENT_WRITE:
                self._send(peer)
            if ready & selectors.EVENT_READ:
                requests = peer.read()
                self.loading.check_again()
                for agents, together in groupby(requests, _is_for_agent):
                    if agents:
                        self._spawn(*together)  # type: ignore[arg-type] # by the key
                    else:
                        for request in together:
                            self._do(request)
        except (OSError, ValueError, EOFError):
            self._drop(peer)

    def _do(self, request: Request) -> None:
        self._asked_at_s = time.monotonic()
        match request:
            case SpawnRequest():
                self._spawn(request)
            case KillRequest(instance_id, pid, number):
                spawned = self._running.get(pid)
                # A child that was not reaped keeps its pid, so this hits no other process.
                if spawned and spawned.instance_id == instance_id:
                    _signal_group(pid, number)
                    # A process that was stopped (SIGSTOP) could not even end.
                    _signal_group(pid, signal.SIGCONT)
            case ForgetRequest(pid):
                self._ended.pop(pid, None)
                self._left.pop(pid, None)
                self.record.forget(pid)
            case EndRequest():
                self._ending = True

    def _spawn(self, *requests: SpawnRequest) -> None:
        """Start processes of one kind: agents, or commands."""
        self._asked_at_s = time.monotonic()
        running = {spawned.instance_id: spawned for spawned in self._running.values()}
        orphans = {orphan.instance_id for orphan in self._orphans()}
        wanted: dict[str, _Wanted] = {}
        for request in requests:
            instance_id = request.instance_id
            if instance_id in running:
                self._report(running[instance_id])
            elif instance_id in orphans:
                why = "a process of this name, left by another fork server, still runs"
                self._refuse(request, why)
            else:
                try:
                    wanted[instance_id] = request, state_of_log(request.log_path)
                except OSError as error:
                    why = f"cannot open its log {request.log_path}: {error.strerror}"
                    self._refuse(request, why, PERMANENT_FAILURE_EXIT)
        self.loading.make_ready(for_agents=not requests[0].command)
        waiting, most = list(wanted.values()), 1
        spare = self.spares.take(waiting[0][0]) if len(waiting) == 1 else None
        while waiting:
            # The first one need not wait for many others.
            begun = self._fork(waiting[:most], spare)
            waiting, most = waiting[begun:], min(2 * most, FORKED_TOGETHER)

    def _fork(self, wanted: list[_Wanted], spare: Forked | None) -> int:
        """Start processes together; return how many are started or refused: the first ones."""
        changed = self.loading.changed()
        first, _ = wanted[0]
        try:
            become = partial(self._become, changed)
            forked = spare or fork(*(partial(become, request) for request, _ in wanted))
        except OSError as error:
            self._refuse(first, f"cannot fork: {error.strerror}")
            return 1
        waited_s = round(age_s(spare.pid) or 0.0, 3) if spare else 0.0
        spawned = [
            Spawned(request.instance_id, pid, start_ticks(pid), *log, waited_s)
            for pid, (request, log) in zip(forked.pids, wanted, strict=False)
        ]
        self._running.update({each.pid: each for each in spawned})
        self.record.add(*spawned)
        forked.begin()
        self._report(*spawned)
        self.spares.started(first)
        return len(spawned)

    def _become(self, changed: str | None, request: SpawnRequest, gate: int) -> NoReturn:
        if not os.read(gate, 1):
            os._exit(0)
        os.close(gate)
        self._leave_to_child()
        # The loop itself needs nothing of it.
        child = importlib.import_module("ocsd.forkserver.child")
        self.loading.end_in_fork()
        child.become(lambda: changed, request)
        os._exit(1)

    def _refuse(self, request: SpawnRequest, why: str, code: int | None = None) -> None:
        self._report(Ended(request.instance_id, 0, code, None, why, time.time()))

    def _leave_to_child(self) -> None:
        """Close everything of the server in a child.

        The objects are closed, not just their numbers: an object that is
        collected later would close a number that by then is the agent's device.
        """
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for opened in (self.place.listener, self._wake_read, self._wake_write, *self._peers):
            opened.close()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_read.recv(4096):
                pass
        while True:
            try:
                status = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if status is None:
                return
            # While the leader is a zombie its group's number cannot be used
            # again. The rest of its group ends with it, because it may hold
            # the device that the next process needs.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(status.si_pid, signal.SIGKILL)
            os.waitpid(status.si_pid, 0)
            spawned = self._running.pop(status.si_pid, None)
            if spawned is None:
                self.spares.ended(status.si_pid)
                continue
            code: int | None = status.si_status
            number: int | None = None
            if status.si_code != os.CLD_EXITED:
                code, number = None, code
            instance_id, pid = spawned.instance_id, spawned.pid
            ended = Ended(instance_id, pid, code, number, ended_at=time.time())
            self._ended[ended.pid] = ended
            self.record.ended(ended)
            self._report(ended)

    def _report(self, *reports: Report) -> None:
        for peer in list(self._peers.values()):
            self._send(peer, *reports)

    def _send(self, peer: "_Peer", *reports: Report) -> None:
        try:
            drained = peer.write(b"".join(map(encode, reports)))
        except OSError:
            self._drop(peer)
            return
        wanted = selectors.EVENT_READ
        if not drained:
            wanted |= selectors.EVENT_WRITE
        self._selector.modify(peer.connection, wanted)

    def _drop(self, peer: "_Peer") -> None:
        if self._peers.pop(peer.connection, None):
            self._selector.unregister(peer.connection)
            peer.connection.close()


class _Peer:
    """One connected daemon."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._received = LineBuffer()
        self._unsent = b""

    def read(self) -> list[Request]:
        data = self.connection.recv(1 << 16)
        if not data:
            raise EOFError
        messages = self._received.feed(data)
        return [message for message in messages if isinstance(message, Request)]

    def write(self, data: bytes) -> bool:
        """Send as much as possible now; return whether nothing is left."""
        self._unsent += data
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._unsent = self._unsent[self.connection.send(self._unsent) :]
        if len(self._unsent) > LONGEST_BACKLOG_BYTES:
            raise OSError("the daemon does not read")
        return not self._unsent

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.setblocking(True)
            self.connection.settimeout(1.0)
            self.connection.sendall(self._unsent)


def _is_for_agent(request: Request) -> bool:
    return isinstance(request, SpawnRequest) and not request.command


def _signal_group(pid: int, number: int) -> None:
    try:
        if number in FOR_THE_LEADER:
            os.kill(pid, number)
        else:
            os.killpg(pid, number)
    except ProcessLookupError:
        # Just forked: the group does not exist yet, but the process does.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
