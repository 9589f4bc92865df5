"""The place where the page is served: a Unix socket, or the first free port."""

import errno
import socket
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocsd.system.address import Address
from ocsd.system.paths import is_listening

MORE_PORTS: Final = 10
"""Number of further ports that are tried if the one of ``listen`` is taken."""

PUBLIC_SOCKET_MODE: Final = 0o660
"""The web server in front of it is in the group of the user that runs ocsd."""

_ALL_ADDRESSES: Final = frozenset({"0.0.0.0", "::"})
"""Hosts of a ``listen`` that mean every address of this machine; nobody can open them."""


class Listening(NamedTuple):
    """The place where the page is served."""

    port: Any
    """Twisted's listening port."""
    url: str
    notice: str = ""
    """Why it is not the place that the site file names; empty if it is."""


class NoPlaceError(Exception):
    """The page cannot be served anywhere; says why."""


def listen(
    reactor: Any,
    site: Any,
    address: Address,
    prefix: str = "",
    of_others: Collection[int] = (),
) -> Listening:
    """Serve `site` at an address, or at the next free port after it.

    The ports `of_others` are left to them, although they may be free now.

    Raises
    ------
    NoPlaceError
        If no port is free, or the address is not this machine's.
    """
    from twisted.internet.error import CannotListenError

    last = min(address.port + MORE_PORTS, 65535)
    for number in range(address.port, last + 1):
        if number in of_others:
            continue
        try:
            port = reactor.listenTCP(number, site, interface=address.host)
        except CannotListenError as error:
            if getattr(error.socketError, "errno", None) != errno.EADDRINUSE:
                why = f"cannot listen at {address}: {error.socketError}"
                raise NoPlaceError(f"{why}; correct web: {{listen: …}} of the host") from error
            continue
        found = Address(address.host, number)
        notice = ""
        if number != address.port:
            whose = "taken by another program"
            if address.port in of_others:
                whose = "the router's"
            notice = f"port {address.port} is {whose}, so the page is at {found}"
        shown = found
        if found.host in _ALL_ADDRESSES:
            shown = Address(socket.gethostname(), number)
        return Listening(port, f"http://{shown}{prefix}/", notice)
    raise NoPlaceError(
        f"the ports {address.port} to {last} of {address.host} are taken; end what listens there, "
        "or choose another one with web: {listen: …} of the host"
    )


def listen_at_socket(reactor: Any, site: Any, path: Path) -> Listening:
    """Serve `site` at a Unix socket; one that nobody listens on any more is replaced.

    Raises
    ------
    NoPlaceError
        If another process listens there, or the socket cannot be made.
    """
    from twisted.internet.error import CannotListenError

    try:
        if path.is_socket() and not is_listening(path):
            path.unlink()
        port = reactor.listenUNIX(str(path), site, mode=PUBLIC_SOCKET_MODE)
    except (CannotListenError, OSError) as error:
        why = getattr(error, "socketError", error)
        raise NoPlaceError(
            f"cannot listen at {path}: {why}; correct web: {{socket: …}} of the host"
        ) from error
    return Listening(port, f"unix:{path}")
