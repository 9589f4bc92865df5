"""Changes to crossbar's listening ports: certificates, modes and the number of connections."""

import functools
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

from ocsd.router.guard.guard import the_guard

SOCKET_MODE: Final = 0o660
"""Mode of the Unix sockets: the daemon's user and its group."""

MOST_OF_ADDRESS: Final = 512
"""Connections from one address at a time."""

_Base: Any = object


class ConnectionLimit(_Base):  # type: ignore[misc] # crossbar is untyped
    """Counts the connections of a port."""

    refused: Any
    """crossbar's protocol that closes a connection at once."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._of_address: Counter[str] = Counter()

    def buildProtocol(self, addr: Any) -> Any:
        """Return a protocol for a connection, or one that closes it at once."""
        host = getattr(addr, "host", None)
        if host is None:
            return super().buildProtocol(addr)
        crowded = self._of_address[host] >= MOST_OF_ADDRESS
        if crowded or the_guard().logins.turned_away(host):
            refused = self.refused()
            refused.factory = self
            return refused
        protocol = super().buildProtocol(addr)
        protocol.from_host = host
        return protocol

    def registerProtocol(self, protocol: Any) -> None:
        """Count a connection."""
        super().registerProtocol(protocol)
        if host := getattr(protocol, "from_host", None):
            self._of_address[host] += 1

    def unregisterProtocol(self, protocol: Any) -> None:
        """Count it no more."""
        super().unregisterProtocol(protocol)
        host = getattr(protocol, "from_host", None)
        if host:
            self._of_address[host] -= 1
            self._of_address += Counter()  # forgets those without any


def guard_ports(endpoint: ModuleType) -> None:
    """Renew certificates without a restart, and turn away whoever only costs time."""
    make_context = endpoint._create_tls_server_context  # noqa: SLF001 - crossbar has no other way

    def renewing(config: dict[str, Any], cbdir: str, log: Any) -> RenewingContext:
        files = [Path(cbdir, config[name]) for name in ("key", "certificate")]
        return RenewingContext(files, functools.partial(make_context, config, cbdir, log))

    bases = ConnectionLimit, endpoint.MaxConnectionsFactory
    own = {"refused": endpoint._RefusedConnection}  # noqa: SLF001 - see above
    endpoint._create_tls_server_context = renewing  # type: ignore[attr-defined] # noqa: SLF001
    endpoint.MaxConnectionsFactory = type("Guarded", bases, own)  # type: ignore[attr-defined] # it has it
    endpoint.UNIXServerEndpoint = functools.partial(  # type: ignore[attr-defined] # it has it
        endpoint.UNIXServerEndpoint, mode=SOCKET_MODE
    )


def speak_http_1(web: ModuleType) -> None:
    """Offer no HTTP/2: WebSockets need none, and its floods would be one thing more to stop."""
    web.Site.acceptableProtocols = lambda _: [b"http/1.1"]


@implementer(IOpenSSLContextFactory)
class RenewingContext:
    """A context for TLS that follows its files.

    Connections that are open keep the certificate that they began with. A new pair of files
    that does not fit together leaves the old one in force.

    Parameters
    ----------
    files : list of Path
        The key and the certificate.
    make : callable
        Returns Twisted's options of a certificate from the files.
    """

    def __init__(self, files: list[Path], make: Any) -> None:
        self._files = files
        self._make = make
        self._seen = self._signature()
        self._context = make().getContext()

    def getContext(self) -> Any:
        """Return the context for a new connection."""
        signature = self._signature()
        if signature != self._seen:
            self._seen = signature
            try:
                self._context = self._make().getContext()
            except Exception as error:  # noqa: BLE001 - OpenSSL raises anything; the old one holds
                text = f"the certificate {self._files[1]} cannot be used: {error!r}; the one "
                the_guard().refusals.fault(f"{text}before it stays in force")
        return self._context

    def _signature(self) -> list[tuple[int, int] | None]:
        found: list[tuple[int, int] | None] = []
        for file in self._files:
            try:
                status = file.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_ino, status.st_mtime_ns))
        return found
