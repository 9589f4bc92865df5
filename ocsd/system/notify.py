"""The notify protocol of systemd (sd_notify(3)), in both directions.

Agents send it to the daemon and the daemon sends it to systemd: datagrams of
``KEY=value`` lines to the Unix socket that ``$NOTIFY_SOCKET`` names.
"""

import functools
import os
import socket
import stat
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

_VARIABLE: Final = "NOTIFY_SOCKET"

LIFE_PERIOD_S: Final = 3.0
"""Time after which an agent that is well looks at all that it may have to report, and reports that
it lives [s]. Its supervisor takes silence for a hang after 10 s."""

HEARTBEATS_HEARD: Final = stat.S_IXOTH
"""Mode bit of the socket, without effect on it, by which a supervisor shows that it hears the
heartbeats of its agents: they need no other signs of life then."""

Receiver: TypeAlias = tuple[int, int, int, int]
"""The device, inode and time of change of a supervisor's socket [ns], and last its mode: another
supervisor has another one."""


class Delivery(Enum):
    """The outcome of a notification."""

    DONE = "done"
    BUSY = "busy"
    """The supervisor has not read earlier ones (Linux queues ten): try again soon."""
    NOBODY = "nobody"
    """No supervisor listens: there is no point in trying again soon."""


def is_supervised() -> bool:
    """Return whether this process has a supervisor to report to."""
    return bool(os.environ.get(_VARIABLE))


def notify(**fields: str | int) -> Delivery:
    """Send one notification to the supervisor of this process.

    Parameters
    ----------
    **fields
        Assignments of sd_notify(3), e.g. ``READY=1, STATUS='joined the realm'``.
        Line feeds in a value are replaced, because a line feed ends an assignment.

    Returns
    -------
    Delivery
        This does not raise and does not wait, because an agent must never stop
        acquiring while its supervisor is away.
    """
    address = os.environ.get(_VARIABLE, "")
    if not address:
        return Delivery.NOBODY
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        _sender().sendto(encode(fields), address)
    except BlockingIOError:
        return Delivery.BUSY
    except OSError:
        return Delivery.NOBODY
    return Delivery.DONE


def receiver_finder() -> Callable[[], Receiver | None]:
    """Return a function that returns the supervisor, if there is one."""
    address = os.environ.get(_VARIABLE, "")

    def receiver() -> Receiver | None:
        try:
            found = os.stat(address)
        except OSError:
            return None
        # Some file systems give the number of a removed file to the next one.
        return found.st_dev, found.st_ino, found.st_ctime_ns, found.st_mode

    return receiver


def hears_heartbeats(receiver: Receiver | None) -> bool:
    """Return whether a supervisor hears the heartbeats of its agents."""
    return receiver is not None and bool(receiver[-1] & HEARTBEATS_HEARD)


def knock(receiver: Path) -> None:
    """Have all processes that report to a receiver check within about two seconds what is new.

    They look at it every second anyway, and take it for another one now.

    Raises
    ------
    OSError
        If there is none, or this user may not write to it.
    """
    os.utime(receiver)


@functools.cache
def _sender() -> socket.socket:
    """Return the socket of this process.

    It is kept from the first notification on: a process that has used up its descriptors
    later must still be able to report that it lives.
    """
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)


def _close_copy() -> None:
    """Leave the socket to the parent, before the child uses descriptors of the same numbers."""
    if _sender.cache_info().currsize:
        _sender().close()
        _sender.cache_clear()


os.register_at_fork(after_in_child=_close_copy)


def encode(fields: Mapping[str, str | int]) -> bytes:
    """Return the datagram that carries `fields`."""
    lines = [f"{key}={value}".replace("\n", " ") for key, value in fields.items()]
    return "\n".join(lines).encode("utf-8", "replace")


def decode(datagram: bytes) -> dict[str, str]:
    """Return the assignments of a datagram; lines without ``=`` are skipped."""
    lines = datagram.decode("utf-8", "replace").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line)
