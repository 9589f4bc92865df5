"""The process at the other end of a Unix socket, as the kernel vouches for it."""

import socket
import struct
from typing import Final, NamedTuple

CREDENTIALS: Final = struct.Struct("3i")
"""pid, uid, gid: struct ucred of unix(7)."""


class Peer(NamedTuple):
    """A process and its owner."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Return the process at the other end of a Unix socket; its pid is 0 if none is connected."""
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return Peer(*CREDENTIALS.unpack(option))
