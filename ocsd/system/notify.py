"""The notify protocol of systemd (sd_notify(3)), in both directions.

Agents send it to the daemon and the daemon sends it to systemd: datagrams of
``KEY=value`` lines to the Unix socket that ``$NOTIFY_SOCKET`` names.
"""

import os
import socket
from collections.abc import Mapping
from enum import Enum


class Delivery(Enum):
    """What became of a notification."""

    DONE = "done"
    BUSY = "busy"
    """The supervisor has not read what it got before (Linux queues ten): try again soon."""
    NOBODY = "nobody"
    """No supervisor listens: there is no point in trying again soon."""


def notify(**fields: str | int) -> Delivery:
    """Send one notification to whoever supervises this process.

    Parameters
    ----------
    **fields
        Assignments of sd_notify(3), e.g. ``READY=1, STATUS='joined the realm'``.
        Line feeds in a value are replaced, for a line feed ends an assignment.

    Returns
    -------
    Delivery
        An agent must never stop acquiring because its supervisor is away, so
        this does not raise and does not wait.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return Delivery.NOBODY
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        if _Own.sender is None:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            _Own.sender = socket.socket(socket.AF_UNIX, kind)
        _Own.sender.sendto(encode(fields), address)
    except BlockingIOError:
        return Delivery.BUSY
    except OSError:
        return Delivery.NOBODY
    return Delivery.DONE


class _Own:
    """The socket of this process.

    It is kept from the first notification on: a process that has used up its descriptors
    later must still be able to say that it lives.
    """

    sender: socket.socket | None = None


def _let_go() -> None:
    """Leave the socket to the parent, before the numbers of descriptors are used anew."""
    if _Own.sender is not None:
        _Own.sender.close()
        _Own.sender = None


os.register_at_fork(after_in_child=_let_go)


def encode(fields: Mapping[str, str | int]) -> bytes:
    """Return the datagram that carries `fields`."""
    lines = (f"{key}={str(value).replace(chr(10), ' ')}" for key, value in fields.items())
    return "\n".join(lines).encode("utf-8", "replace")


def decode(datagram: bytes) -> dict[str, str]:
    """Return the assignments of a datagram; lines without ``=`` are skipped."""
    lines = datagram.decode("utf-8", "replace").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line)
