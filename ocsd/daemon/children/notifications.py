"""Receives the messages of the host's processes about themselves (sd_notify(3))."""

import contextlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from ocsd.supervisor.health import LIFE
from ocsd.system.notify import HEARTBEATS_HEARD, decode, encode
from ocsd.system.peer import CREDENTIALS

_LONGEST_DATAGRAM_BYTES = 1 << 16
_LIFE_DATAGRAM: Final = encode(LIFE)
_MODE: Final = 0o666
"""Also for agents with a `user`; the folder decides who may reach the socket."""


@implementer(IReadDescriptor)
@dataclass(eq=False)
class NotifySocket:
    """The socket that agents find in ``$NOTIFY_SOCKET``.

    The kernel vouches for the sender's pid, so no process can speak for another.
    """

    reactor: Any
    """Watches descriptors (IReactorFDSet)."""
    path: Path
    """The socket; a file in its place is replaced."""
    on_message: Callable[[int, Mapping[str, str]], None]
    """Takes the sender's pid and its assignments."""

    def __post_init__(self) -> None:
        self._socket = _datagrams()
        self._hears_heartbeats = False

    def open(self) -> None:
        """Begin to listen, or listen again if the socket was removed."""
        self.path.unlink(missing_ok=True)
        if self._socket.getsockname():
            self.doRead()
            self.reactor.removeReader(self)
            self._socket.close()
            self._socket = _datagrams()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(str(self.path))
        self.path.chmod(_MODE)
        self._hears_heartbeats = False
        self.reactor.addReader(self)

    def show(self, hears_heartbeats: bool) -> None:
        """Show agents whether their heartbeats are heard; each reports once more at a change."""
        if hears_heartbeats != self._hears_heartbeats:
            # Without a file there is nothing to show: `LostFiles` makes it again.
            with contextlib.suppress(OSError):
                self.path.chmod(_MODE | HEARTBEATS_HEARD * hears_heartbeats)
                self._hears_heartbeats = hears_heartbeats

    def close(self) -> None:
        """Stop listening."""
        self.reactor.removeReader(self)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def doRead(self) -> None:
        """Read all messages that have arrived."""
        space = socket.CMSG_SPACE(CREDENTIALS.size)
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = self._socket.recvmsg(_LONGEST_DATAGRAM_BYTES, space)
                for level, kind, credentials in ancillary:
                    if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                        pid, _uid, _gid = CREDENTIALS.unpack(credentials)
                        self.on_message(pid, LIFE if data == _LIFE_DATAGRAM else decode(data))

    def fileno(self) -> int:
        """Return the descriptor to watch."""
        return self._socket.fileno()

    def connectionLost(self, reason: object) -> None:
        """Nothing to lose: a datagram socket has no connection."""

    def logPrefix(self) -> str:
        """Return the name under which the reactor logs."""
        return "notify"


def _datagrams() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
