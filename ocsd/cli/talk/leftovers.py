"""Ends the processes that a dead daemon has left running.

Their fork server ends its children. Processes that have lost their fork server as well, the
orphans, are in the record of processes, and are ended from here. Both climb the ladder of
`ocsd.supervisor.policy`, by which the daemon ends them.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO, TypeAlias

from ocsd.bus.caller import user_name
from ocsd.cli.talk.hosts import places_of
from ocsd.errors import DaemonRunningError, ForkServerError
from ocsd.forkserver import record
from ocsd.forkserver.protocol import (
    Ended,
    EndRequest,
    Hello,
    KillRequest,
    LineBuffer,
    Message,
    Spawned,
    encode,
)
from ocsd.forkserver.remains import kill_remains
from ocsd.history.file import HistoryFile
from ocsd.history.summary import HistoryEntry
from ocsd.status.replies import ROUTER
from ocsd.supervisor.policy import STOP_LADDER
from ocsd.supervisor.states import State
from ocsd.system import locks, proc
from ocsd.system.paths import HostPaths, is_listening

_Processes: TypeAlias = tuple[Spawned, ...]

_SERVER_LIMIT_S = 5.0
"""Time in which a fork server says what runs, or ends [s]."""


def find(host: str | None) -> list[HostPaths]:
    """Return the paths of one host or of all where processes were left running."""
    return [each for each in places_of(host)[0] if _runs_something(each)]


def find_of(pid: int) -> list[HostPaths]:
    """Return the paths where the daemon that has or had this pid left processes running."""
    return [each for each in find(None) if _recorded_pid(each) == str(pid)]


def end(places: HostPaths) -> list[str]:
    """End all that was left running, the router last, then the fork server.

    Return the instance-ids of what ran.

    Raises
    ------
    DaemonRunningError
        If there is a daemon after all, which would start it all again.
    ForkServerError
        If the fork server does not answer, or a process cannot be ended.
    """
    with _no_daemon(places), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        server = _Server(connection)
        children: _Processes = ()
        try:
            try:
                connection.connect(str(places.forkserver_socket))
            except (FileNotFoundError, ConnectionRefusedError):
                orphans = _recorded(places)
                _end_all(children, orphans, server)
                # Otherwise the next daemon would report these processes as lost.
                record.beside(places.forkserver_socket).unlink(missing_ok=True)
            else:
                children, orphans = server.processes()
                _end_all(children, orphans, server)
                server.close()
        except (OSError, ValueError) as error:
            raise ForkServerError(
                f"what the daemon of host {places.host!r} has left running cannot be ended "
                f"({error}); look at it with ps, and end it by hand"
            ) from error
    # As after any stop, the next start is one of everything.
    with suppress(OSError):
        places.finished.unlink()
    ended = (*children, *orphans)
    _write_down(places, ended)
    return [process.instance_id for process in ended]


def _write_down(places: HostPaths, ended: _Processes) -> None:
    """Record in the history who has ended these processes."""
    history = HistoryFile(places.journal)
    by = f"{user_name()} (uid {os.getuid()}, pid {os.getpid()})"
    reason = f"ended by `ocsd stop` of {by}, while no daemon ran"
    for process in ended:
        end = HistoryEntry(time.time(), process.instance_id, "Exited", State.STOPPING)
        history.write(end._replace(reason=reason, pid=process.pid, by=by))
    history.close()


def _runs_something(places: HostPaths) -> bool:
    return is_listening(places.forkserver_socket) or bool(_recorded(places))


def _recorded(places: HostPaths) -> _Processes:
    return record.read(record.beside(places.forkserver_socket)).living


def _recorded_pid(places: HostPaths) -> str:
    try:
        return places.pid_file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


class _Server:
    """A connection to a fork server, which ends its children."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = LineBuffer()

    def processes(self) -> tuple[_Processes, _Processes]:
        """Return the children and the orphans that it reports first of all."""
        for message in self._messages(_SERVER_LIMIT_S):
            if isinstance(message, Hello):
                return message.running, message.orphans
        raise TimeoutError("it does not answer")

    def send(self, process: Spawned, number: int) -> None:
        """Have a signal sent to a child and its group."""
        self._connection.sendall(encode(KillRequest(process.instance_id, process.pid, number)))

    def ended(self, limit_s: float) -> Iterator[int]:
        """Yield the pid of each child that ends within `limit_s`."""
        for message in self._messages(limit_s):
            if isinstance(message, Ended):
                yield message.pid

    def close(self) -> None:
        """End the fork server, which hangs up when it ends."""
        self._connection.sendall(encode(EndRequest()))
        for _ in self._messages(_SERVER_LIMIT_S):
            pass

    def _messages(self, limit_s: float) -> Iterator[Message]:
        deadline_s = time.monotonic() + limit_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            self._connection.settimeout(left_s)
            try:
                data = self._connection.recv(1 << 16)
            except TimeoutError:
                return
            if not data:
                return
            yield from self._received.feed(data)


class _Orphans:
    """Processes whose fork server is gone."""

    def __init__(self, processes: Iterable[Spawned]) -> None:
        self._gone: list[int] = []
        self._held: dict[int, Spawned] = {}
        for process in processes:
            try:
                self._held[os.pidfd_open(process.pid)] = process
            except ProcessLookupError:
                self._gone.append(process.pid)

    def send(self, process: Spawned, number: int) -> None:
        """Send a signal to an orphan and its group."""
        # Its number may be another process's by now.
        if record.lives(process):
            for each in (number, signal.SIGCONT):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, each)

    def ended(self, limit_s: float) -> Iterator[int]:
        """Yield the pid of each orphan that ends within `limit_s`."""
        yield from self._gone
        deadline_s = time.monotonic() + limit_s
        while self._held and (left_s := deadline_s - time.monotonic()) > 0:
            for descriptor in select.select(list(self._held), [], [], left_s)[0]:
                os.close(descriptor)
                process = self._held.pop(descriptor)
                kill_remains(process)
                yield process.pid


def _end_all(children: _Processes, orphans: _Processes, server: _Server) -> None:
    """End the fork server's children and the orphans, the router last."""
    for is_router in (False, True):
        _climb([each for each in children if (each.instance_id == ROUTER) is is_router], server)
        wave = [each for each in orphans if (each.instance_id == ROUTER) is is_router]
        _climb(wave, _Orphans(wave))


def _climb(processes: Iterable[Spawned], parent: _Server | _Orphans) -> None:
    """End processes, gently at first."""
    left = {process.pid: process for process in processes}
    for step in STOP_LADDER:
        if not left:
            return
        for process in left.values():
            parent.send(process, step.signal)
        for pid in parent.ended(step.limit_s):
            left.pop(pid, None)
            if not left:
                return
    names = ", ".join(process.instance_id for process in left.values())
    raise TimeoutError(f"these do not end: {names}")


@contextmanager
def _no_daemon(places: HostPaths) -> Iterator[None]:
    """Keep a daemon from starting."""
    with ExitStack() as held:
        # The second is all that daemons of earlier versions lock.
        for path in (places.daemon_lock, places.pid_file):
            if path.parent.is_dir():
                _lock(held.enter_context(path.open("a+")), places)
        yield


def _lock(file: TextIO, places: HostPaths) -> None:
    if locks.take(file.fileno()) is not None:
        pid = _recorded_pid(places) or "unknown"
        frozen = proc.why_silent(int(pid)) if pid.isdigit() else ""
        what = frozen or (
            "is starting or stuck; wait a moment and try again. If that lasts: kill -ABRT "
            f"{pid} ends it and none of its agents; then: ocsd stop"
        )
        raise DaemonRunningError(f"the daemon of host {places.host!r} (pid {pid}) {what}")
