"""The process at the other end of a Unix socket, as the kernel vouches for it."""

import socket
import struct
from pathlib import Path
from typing import Final, NamedTuple

CREDENTIALS: Final = struct.Struct("3i")
"""pid, uid, gid: struct ucred of unix(7)."""

_NO_LOGIN: Final = 2**32 - 1


class Peer(NamedTuple):
    """A process and its owner."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Return the process at the other end of a Unix socket; its pid is 0 if none is connected."""
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return Peer(*CREDENTIALS.unpack(option))


def login_of(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Return the uid with which the user of a process logged in, before any `sudo`.

    None if the system does not keep it (pam_loginuid(8)), or the process is gone.
    """
    try:
        uid = int((proc / str(pid) / "loginuid").read_text())
    except (OSError, ValueError):
        return None
    if uid == _NO_LOGIN:
        return None
    return uid
