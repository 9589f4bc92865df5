"""Ends what a daemon that died has left running, through the fork server that is its parent."""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ocsd import paths
from ocsd.cli import control
from ocsd.errors import DaemonRunningError, ForkServerError
from ocsd.forkserver.protocol import End, Ended, Hello, Kill, LineBuffer, Message, Spawned, encode
from ocsd.paths import HostPaths, is_listening

_ROUTER = "router"
# As the daemon asks: the signal, and how long it may take [s].
_LADDER = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_ANSWER_LIMIT_S = 5.0


def find(host: str | None) -> list[HostPaths]:
    """Return the places of fork servers that run, of one host or of all."""
    found = []
    for folder in control.runtime_folders():
        try:
            names = [host] if host else sorted(os.listdir(folder))
        except OSError:
            continue
        places = [replace(paths.of_host(name), runtime=folder / name) for name in names]
        found += [each for each in places if is_listening(each.forkserver_socket)]
    return found


def find_of(pid: int) -> list[HostPaths]:
    """Return the places of the fork server of the daemon that has or had this pid."""
    return [each for each in find(None) if each.pid_file.read_text().strip() == str(pid)]


def end(places: HostPaths) -> list[str]:
    """End all that a fork server runs, the router last, then the fork server.

    Parameters
    ----------
    places : HostPaths
        Where the fork server listens.

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
            connection.connect(str(places.forkserver_socket))
            server = _Server(connection)
            running = server.running()
            server.end([each for each in running if each.name != _ROUTER])
            server.end([each for each in running if each.name == _ROUTER])
            connection.sendall(encode(End()))
            for _ in server.messages(_ANSWER_LIMIT_S):
                pass  # it hangs up when it ends
        except (OSError, ValueError) as error:
            raise ForkServerError(
                f"the fork server at {places.forkserver_socket} cannot end what it runs ({error}); "
                "look at it with ps, and end it by hand"
            ) from error
    return [each.name for each in running]


class _Server:
    """A connection to a fork server."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = LineBuffer()

    def running(self) -> tuple[Spawned, ...]:
        """Return what runs, which it tells first of all."""
        for message in self.messages(_ANSWER_LIMIT_S):
            if isinstance(message, Hello):
                return message.running
        raise TimeoutError("it does not answer")

    def end(self, processes: Iterable[Spawned]) -> None:
        """End processes, gently at first."""
        left = {each.pid: each.name for each in processes}
        for number, limit_s in _LADDER:
            for pid, name in left.items():
                self._connection.sendall(encode(Kill(name, pid, number)))
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
    with places.pid_file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DaemonRunningError(
                f"the daemon of host {places.host!r} is starting or stuck (its pid is in "
                f"{places.pid_file}); wait a moment, or kill it, and try again"
            ) from error
        yield
