"""The needs of a process to get into a closed router: a login, and the certificate to trust."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and its proof: a person's password, or the ticket of a program."""

    authid: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entrance:
    """The way into a router."""

    credentials: Credentials | None = None
    """None: whoever is asked knows this process by its user, or everybody may come in."""
    ca_file: str | None = None
    """Certificate of the site's authority; None: those that this machine trusts."""
    socket: str | None = None
    """The router's Unix raw socket, if it is on this machine."""
    http_socket: str | None = None
    """Its Unix socket for calls over HTTP."""


_own: list[Entrance] = []


def set_own(entrance: Entrance) -> None:
    """Set the way of this process, which the daemon has told it."""
    _own[:] = [entrance]


def own() -> Entrance | None:
    """Return the way of this process; None if no daemon has told it."""
    return _own[0] if _own else None
