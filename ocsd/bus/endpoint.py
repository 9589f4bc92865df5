"""The address of the router, and transports to it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS

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
from ocsd.site.launch import Launch

CONNECT_TIMEOUT_S = 5
ATTEMPTS_AT_SOCKET = 20
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


@dataclass(frozen=True, slots=True)
class RouterAddress:
    """The address at which an agent finds its router."""

    url: str
    """The router's WebSocket address."""
    realm: str
    """The realm to join."""
    socket_path: str | None = None
    """Unix raw socket of the router on this machine; used instead of `url`."""

    def after(self, failures: int) -> "RouterAddress":
        """Return the address for the next attempt after some that have failed in a row.

        The hub's address leads to the same router, in case its socket was removed.
        """
        path = self.socket_path
        if path is None or failures < ATTEMPTS_AT_SOCKET or os.path.exists(path):
            return self
        return replace(self, socket_path=None)

    def __str__(self) -> str:
        return f"unix:{self.socket_path}" if self.socket_path else self.url

    @classmethod
    def of(cls, args: Any, launch: Launch | None) -> "RouterAddress":
        """Return the address for an agent with parsed arguments `args`.

        The Unix socket leads to the router that the site's hub names; an agent
        whose arguments name another hub must not end up there.
        """
        address = cls(args.site_hub, args.site_realm)
        if launch is None or args.site_hub != launch.hub.wamp_server:
            return address
        return replace(address, socket_path=launch.router_socket)


def connect(
    address: RouterAddress, new_link: Callable[[], RouterLink], reactor: Any
) -> "Deferred[Any]":
    """Open a transport and put a new link on it.

    The Deferred fires with the protocol, whose ``is_closed`` is a Deferred that fires when
    the transport has closed.
    """
    if address.socket_path:
        factory = WampRawSocketClientFactory(new_link, serializer=CBORSerializer())
        factory.protocol = QuietRawSocketProtocol
        endpoint: Any = UNIXClientEndpoint(  # type: ignore[no-untyped-call] # Twisted's
            reactor, address.socket_path, timeout=CONNECT_TIMEOUT_S
        )
    else:
        factory = WampWebSocketClientFactory(
            new_link, url=address.url, serializers=[CBORSerializer(), JsonSerializer()]
        )
        factory.protocol = QuietWebSocketProtocol
        factory.setProtocolOptions(**WEBSOCKET_OPTIONS)
        endpoint = _tcp(address.url, reactor)
    factory.noisy = False
    opening: Deferred[Any] = endpoint.connect(factory)
    return opening


def _tcp(url: str, reactor: Any) -> Any:
    secure, host, port, *_ = parse_url(url)
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=CONNECT_TIMEOUT_S)
    if not secure:
        return endpoint
    from twisted.internet.ssl import optionsForClientTLS

    return wrapClientTLS(optionsForClientTLS(host), endpoint)
