"""The place where the page is served: a Unix socket, or the first free port."""

import errno
import socket
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocsd.system.address import Address
from ocsd.system.paths import is_listening
from ocsd.system.web_server import speak_http_2
from ocsd.web.server.tls import CertificateFiles, NoCertificateError, PageCertificate

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
    tls: CertificateFiles | None = None,
) -> Listening:
    """Serve `site` at an address, or at the next free port after it; with TLS, if that has files.

    The ports `of_others` are left to them, although they may be free now.

    Raises
    ------
    NoPlaceError
        If no port is free, the address is not this machine's, or there is no certificate.
    """
    from twisted.internet.error import CannotListenError

    begin, scheme = reactor.listenTCP, "http"
    if tls is not None:
        begin, scheme = _with_tls(reactor, tls), "https"
    last = min(address.port + MORE_PORTS, 65535)
    for number in range(address.port, last + 1):
        if number in of_others:
            continue
        try:
            port = begin(number, site, interface=address.host)
        except CannotListenError as error:
            if getattr(error.socketError, "errno", None) != errno.EADDRINUSE:
                why = f"cannot listen at {address}: {error.socketError}"
                raise NoPlaceError(f"{why}; correct web: {{listen: …}} of the host") from error
            continue
        found = Address(address.host, number)
        url = f"{scheme}://{_shown(found)}{prefix}/"
        return Listening(port, url, _notice(address, found, of_others))
    raise NoPlaceError(
        f"the ports {address.port} to {last} of {address.host} are taken; end what listens there, "
        "or choose another one with web: {listen: …} of the host"
    )


def _notice(address: Address, found: Address, of_others: Collection[int]) -> str:
    """Return why the page is not at the address that it should have; empty if it is."""
    if found == address:
        return ""
    whose = "taken by another program"
    if address.port in of_others:
        whose = "the router's"
    return f"port {address.port} is {whose}, so the page is at {found}"


def _shown(found: Address) -> Address:
    if found.host in _ALL_ADDRESSES:
        return Address(socket.gethostname(), found.port)
    return found


def _with_tls(reactor: Any, files: CertificateFiles) -> Any:
    try:
        context = PageCertificate(files)
    except NoCertificateError as error:
        raise NoPlaceError(str(error)) from error
    speak_http_2()
    return partial(_listen_ssl, reactor, context)


def _listen_ssl(
    reactor: Any, context: PageCertificate, port: int, site: Any, interface: str
) -> Any:
    return reactor.listenSSL(port, site, context, interface=interface)


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
