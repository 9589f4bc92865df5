"""The address of the router, and transports to it."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.error import getConnectError

from ocsd.bus.wamp import (
    CBORSerializer,
    JsonSerializer,
    QuietRawSocketProtocol,
    QuietWebSocketProtocol,
    RouterLink,
    WampRawSocketClientFactory,
    WampWebSocketClientFactory,
    parse_url,
)
from ocsd.site.values.told import ToldLaunch
from ocsd.system.entrance import Credentials
from ocsd.text.logins import without_logins

CONNECT_TIMEOUT_S = 5
ATTEMPTS_AT_SOCKET = 80
"""Attempts at a socket that is missing; they take 8 s, in which a router starts again."""
LONGEST_WAMP_MESSAGE_BYTES = 2**24
"""Length of a message, at most; the limit of the raw socket protocol."""

WEBSOCKET_OPTIONS: dict[str, Any] = {
    "maxFramePayloadSize": LONGEST_WAMP_MESSAGE_BYTES,
    "maxMessagePayloadSize": LONGEST_WAMP_MESSAGE_BYTES,
    "failByDrop": True,
    # The router takes its time when hundreds of agents come at once.
    "openHandshakeTimeout": 10.0,
    "closeHandshakeTimeout": 1.0,
    "tcpNoDelay": True,
    "autoPingInterval": 10.0,
    "autoPingTimeout": 5.0,
    "autoPingSize": 12,
    "autoPingRestartOnAnyTraffic": True,
}


class CertificateFileError(Exception):
    """The certificate of the site's authority cannot be read; fetch a new bundle from the hub."""


@dataclass(frozen=True, slots=True)
class RouterAddress:
    """The address at which an agent finds its router."""

    url: str
    """The router's WebSocket address."""
    realm: str
    """The realm to join."""
    socket_path: str | None = None
    """Unix raw socket of the router on this machine; used instead of `url`."""
    credentials: Credentials | None = None
    """The login, if the router asks for one."""
    ca_file: str | None = None
    """Certificate of the site's authority; None for those that this machine trusts."""

    def after(self, failures: int) -> "RouterAddress":
        """Return the address for the next attempt after some that have failed in a row.

        The hub's address leads to the same router, in case its socket was removed.
        """
        path = self.socket_path
        if path is None or failures < ATTEMPTS_AT_SOCKET or os.path.exists(path):
            return self
        return replace(self, socket_path=None)

    @property
    def is_missing(self) -> bool:
        """Whether the socket is not there, as long as a router of this machine is being started."""
        path = self.socket_path or "\0"
        # The name of a socket that is not in the file system begins with a zero (unix(7)).
        return not path.startswith("\0") and not os.path.exists(path)

    def __str__(self) -> str:
        return f"unix:{self.socket_path}" if self.socket_path else without_logins(self.url)

    @classmethod
    def of(cls, args: Any, launch: ToldLaunch | None) -> "RouterAddress":
        """Return the address for an agent with parsed arguments `args`.

        The Unix socket leads to the router that the site's hub names; an agent
        whose arguments name another hub must not end up there.
        """
        if launch is None or args.site_hub != launch.hub.wamp_server:
            return cls.for_client(args.site_hub, args.site_realm)
        entrance = launch.entrance
        return cls(
            args.site_hub,
            args.site_realm,
            entrance.socket,
            entrance.credentials,
            entrance.ca_file,
        )

    @classmethod
    def for_client(cls, url: str, realm: str) -> "RouterAddress":
        """Return the address for a program that nobody has told how it gets in.

        Raises
        ------
        ConfigurationError
            If the login of this user is incomplete, or others may read its password.
        """
        if not url.startswith("wss:"):
            return cls(url, realm)
        from ocsd.access import entrance

        way = entrance.of_url(url)
        return cls(url, realm, way.socket, way.credentials, way.ca_file)


def connect(
    address: RouterAddress, new_link: Callable[[], RouterLink], reactor: Any
) -> "Deferred[Any]":
    """Open a transport and put a new link on it.

    A file of certificates that cannot be read makes the Deferred fail.

    The Deferred fires with the protocol, whose ``is_closed`` is a Deferred that fires when
    the transport has closed.
    """

    def new_session() -> Any:
        session = new_link()
        session.credentials = address.credentials
        return session

    if address.is_missing:
        return fail(getConnectError((errno.ENOENT, os.strerror(errno.ENOENT))))  # type: ignore[no-untyped-call] # Twisted's
    if address.socket_path:
        factory = WampRawSocketClientFactory(new_session, serializer=CBORSerializer())
        factory.protocol = QuietRawSocketProtocol
        endpoint: Any = UNIXClientEndpoint(  # type: ignore[no-untyped-call] # Twisted's
            reactor, address.socket_path, timeout=CONNECT_TIMEOUT_S
        )
    else:
        factory = WampWebSocketClientFactory(
            new_session, url=address.url, serializers=[CBORSerializer(), JsonSerializer()]
        )
        factory.protocol = QuietWebSocketProtocol
        factory.setProtocolOptions(**WEBSOCKET_OPTIONS)
        try:
            endpoint = _tcp(address, reactor)
        except Exception as error:  # noqa: BLE001 - OpenSSL and files raise anything
            text = f"{address.ca_file} cannot be read as the site's certificate: {error}"
            return fail(CertificateFileError(text))
    factory.noisy = False
    opening: Deferred[Any] = endpoint.connect(factory)
    return opening


def _tcp(address: RouterAddress, reactor: Any) -> Any:
    secure, host, port, *_ = parse_url(address.url)
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=CONNECT_TIMEOUT_S)
    if not secure:
        return endpoint
    # Only here, because OpenSSL takes a tenth of a second to load.
    from ocsd.bus.encryption import Encryption

    encryption: Any = Encryption(host, str(address), address.ca_file)
    return wrapClientTLS(encryption, endpoint)
