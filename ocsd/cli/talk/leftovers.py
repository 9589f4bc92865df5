"""Ends what a daemon that died has left running.

The fork server that is its parent does that. What has lost its fork server as well
stands in the record of processes, and is ended from here.
"""

import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TextIO

from ocsd.cli.talk import control
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
from ocsd.system import paths, proc
from ocsd.system.paths import HostPaths, is_listening

_ROUTER = "router"
# As the daemon asks: the signal, and how long it may take [s].
_LADDER = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_ANSWER_LIMIT_S = 5.0


def find(host: str | None) -> list[HostPaths]:
    """Return the places of one host or of all where something was left running."""
    found = []
    for folder in control.runtime_folders():
        try:
            names = [host] if host else sorted(os.listdir(folder))
        except OSError:
            continue
        places = [replace(paths.of_host(name), runtime=folder / name) for name in names]
        found += [
            each for each in places if is_listening(each.forkserver_socket) or _recorded(each)
        ]
    return found


def find_of(pid: int) -> list[HostPaths]:
    """Return the places where the daemon that has or had this pid left something running."""
    return [each for each in find(None) if _recorded_pid(each) == str(pid)]


def end(places: HostPaths) -> list[str]:
    """End all that was left running, the router last, then the fork server.

    Parameters
    ----------
    places : HostPaths
        Where.

    Returns
    -------
    list of str
        The names of what ran.

    Raises
    ------
    DaemonRunningError
        If there is a daemon after all, which would start it all again.
    ForkServerError
        If the fork server does not answer, or something cannot be ended.
    """
    with _no_daemon(places), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            try:
                connection.connect(str(places.forkserver_socket))
            except (FileNotFoundError, ConnectionRefusedError):
                names = _end_all((), _recorded(places), None)
                # What was asked to end is not missed by the next daemon.
                record.beside(places.forkserver_socket).unlink(missing_ok=True)
            else:
                server = _Server(connection)
                hello = server.hello()
                names = _end_all(hello.running, hello.orphans, server)
                connection.sendall(encode(EndRequest()))
                for _ in server.messages(_ANSWER_LIMIT_S):
                    pass  # it hangs up when it ends
        except (OSError, ValueError) as error:
            raise ForkServerError(
                f"what the daemon of host {places.host!r} has left running cannot be ended "
                f"({error}); look at it with ps, and end it by hand"
            ) from error
    # As after any stop, the next start is one of everything.
    with suppress(OSError):
        places.finished.unlink()
    return names


def _recorded(places: HostPaths) -> tuple[Spawned, ...]:
    return record.read(record.beside(places.forkserver_socket)).living


def _recorded_pid(places: HostPaths) -> str:
    try:
        return places.pid_file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _end_all(
    children: Iterable[Spawned], orphans: Iterable[Spawned], server: "_Server | None"
) -> list[str]:
    """End the fork server's children and the orphans, the router last."""
    children, orphans = list(children), list(orphans)
    for is_router in (False, True):
        if server is not None:
            server.end([each for each in children if (each.instance_id == _ROUTER) is is_router])
        _end_orphans([each for each in orphans if (each.instance_id == _ROUTER) is is_router])
    return [each.instance_id for each in (*children, *orphans)]


def _end_orphans(processes: Iterable[Spawned]) -> None:
    """End processes whose fork server is gone, gently at first."""
    left = {}
    for each in processes:
        with suppress(ProcessLookupError):
            left[os.pidfd_open(each.pid)] = each
    for number, limit_s in _LADDER:
        for process, each in left.items():
            _signal(process, each, number)
        deadline_s = time.monotonic() + limit_s
        while left and (left_s := deadline_s - time.monotonic()) > 0:
            for process in select.select(list(left), [], [], left_s)[0]:
                os.close(process)
                kill_remains(left.pop(process))
    if left:
        raise TimeoutError(
            f"these do not end: {', '.join(each.instance_id for each in left.values())}"
        )


def _signal(process: int, spawned: Spawned, number: int) -> None:
    # The number may be another process's by now; while its descriptor says that it lives, not.
    if not record.lives(spawned):
        return
    for each in (number, signal.SIGCONT):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, each)
            os.killpg(spawned.pid, each)


class _Server:
    """A connection to a fork server."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = LineBuffer()

    def hello(self) -> Hello:
        """Return what it tells first of all: what runs."""
        for message in self.messages(_ANSWER_LIMIT_S):
            if isinstance(message, Hello):
                return message
        raise TimeoutError("it does not answer")

    def end(self, processes: Iterable[Spawned]) -> None:
        """End processes, gently at first."""
        left = {each.pid: each.instance_id for each in processes}
        for number, limit_s in _LADDER:
            for pid, name in left.items():
                self._connection.sendall(encode(KillRequest(name, pid, number)))
            for message in self.messages(limit_s) if left else ():
                if isinstance(message, Ended):
                    left.pop(message.pid, None)
                if not left:
                    break
        if left:
            raise TimeoutError(f"these do not end: {', '.join(left.values())}")

    def messages(self, limit_s: float) -> Iterator[Message]:
        """Yield what it says, for so long [s] or until it hangs up."""
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


@contextmanager
def _no_daemon(places: HostPaths) -> Iterator[None]:
    """Keep a daemon from starting."""
    with ExitStack() as held:
        # The second is all that daemons of earlier versions lock.
        for path in (places.daemon_lock, places.pid_file):
            if path.parent.is_dir():
                _lock(held.enter_context(path.open("a")), places)
        yield


def _lock(file: TextIO, places: HostPaths) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = _recorded_pid(places)
        what = proc.why_silent(int(pid)) if pid.isdigit() else ""
        raise DaemonRunningError(
            f"the daemon of host {places.host!r} (pid {pid or 'unknown'}) "
            + (
                what
                or f"is starting or stuck; wait a moment and try again, or kill -9 {pid}, "
                "which ends none of its agents, and then: ocsd stop"
            )
        ) from error
