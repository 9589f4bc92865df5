"""The ports and sockets of the router, as crossbar's configuration has them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ocsd.bus.caller import BRIDGE_ROLE
from ocsd.router.listening import FindAddresses, addresses
from ocsd.site.model import Hub, http_beside
from ocsd.system.address import LOOPBACK, port_of
from ocsd.system.paths import HTTP_SOCKET

ANONYMOUS: Final[Mapping[str, Any]] = {"anonymous": {"type": "static", "role": "ocs"}}
_WITH_LOGIN: Final = {**ANONYMOUS, "ticket": {"type": "static", "principals": {}}}
"""The guard answers both; crossbar itself would let nobody in with a ticket."""

_PING: Final = {"auto_ping_interval": 10000, "auto_ping_timeout": 5000}  # [ms]
_WAMP_LIMIT_BYTES: Final = 2**24
_GUARDED: Final = {
    **_PING,
    "open_handshake_timeout": 10000,  # [ms]
    "close_handshake_timeout": 1000,  # [ms]
    "max_message_size": _WAMP_LIMIT_BYTES,
    "max_frame_size": _WAMP_LIMIT_BYTES,
    "enable_webstatus": False,
}
_WEB_OPTIONS: Final = {"client_timeout": 30}  # [s]
_MOST_CONNECTIONS: Final = 4096


class Secured(NamedTuple):
    """The router's certificate and its key."""

    certificate: Path | None
    """None: a host's own router on a closed site, which has Unix sockets only."""
    key: Path | None


SOCKETS_ONLY: Final = Secured(None, None)


def web_ports(hub: Hub, find: FindAddresses = addresses) -> list[dict[str, Any]]:
    """Return the web transports of an open router, one for each port at each address.

    An open router listens at the loopback address as well, for programs that name it.
    """
    return list(_ports(hub, find, _websocket(ANONYMOUS, _PING), also=(LOOPBACK,)))


def secured_ports(
    hub: Hub, socket_path: Path, secured: Secured, find: FindAddresses = addresses
) -> list[dict[str, Any]]:
    """Return the web transports of a router whose site has keys.

    They are those with TLS, a Unix socket for calls over HTTP and, if the site is not closed,
    those of an open router. A host's own router has the socket only.
    """
    tls = {"certificate": str(secured.certificate), "key": str(secured.key)}
    ports: list[dict[str, Any]] = []
    if hub.tls_url is not None and secured.certificate is not None:
        secure = hub.overridden(wamp_server=hub.tls_url, wamp_http=http_beside(hub.tls_url))
        if hub.is_closed:
            secure = hub
        ports += _ports(secure, find, _websocket(_WITH_LOGIN, _GUARDED), tls=tls)
    local = {
        "type": "web",
        "endpoint": {"type": "unix", "path": str(socket_path.parent / HTTP_SOCKET)},
        "paths": {paths_of(hub)[1]: _bridge(hub)},
        "options": _WEB_OPTIONS,
    }
    if not hub.is_closed:
        ports += web_ports(hub, find)
    return [*ports, local]


def paths_of(hub: Hub) -> tuple[str, str]:
    """Return the paths of WebSocket and bridge, as crossbar names them."""
    return _path(urlsplit(hub.wamp_server).path), _path(urlsplit(hub.wamp_http).path)


def _ports(
    hub: Hub,
    find: FindAddresses,
    websocket: Mapping[str, Any],
    *,
    also: tuple[str, ...] = (),
    tls: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a web transport for each port at each address."""
    ws, call = urlsplit(hub.wamp_server), urlsplit(hub.wamp_http)
    # Nothing at "/": crossbar's node page there is a leaf and would answer for
    # every path below it as well.
    ws_path, call_path = paths_of(hub)
    bridge = _bridge(hub)
    servers: list[tuple[SplitResult, dict[str, Any]]]
    servers = [(ws, {ws_path: websocket}), (call, {call_path: bridge})]
    if port_of(ws) == port_of(call):
        servers = [(ws, {ws_path: websocket, call_path: bridge})]
    for url, paths in servers:
        found = find(url.hostname or "localhost", hub.listen)
        everywhere = {"0.0.0.0", "::"} & {*found}
        for address in dict.fromkeys(found if everywhere else (*found, *also)):
            port: dict[str, Any] = {
                "type": "web",
                "endpoint": _endpoint(url, address, tls),
                "paths": paths,
            }
            if tls:
                port.update(options=_WEB_OPTIONS, max_connections=_MOST_CONNECTIONS)
            yield port


def _endpoint(url: SplitResult, address: str, tls: Mapping[str, str] | None) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"type": "tcp", "port": port_of(url), "backlog": 1024}
    endpoint["interface"] = address
    if ":" in address:
        endpoint["version"] = 6
    if tls:
        endpoint["tls"] = dict(tls)
    return endpoint


def _websocket(auth: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "websocket",
        "serializers": ["cbor", "msgpack", "json"],
        "auth": auth,
        "options": options,
    }


def _bridge(hub: Hub) -> dict[str, Any]:
    # No `post_body_limit`: crossbar ends if it is above 1 MiB, and calls may have 16 MiB
    # (`ocsd.router.callers` refuses larger ones).
    return {"type": "caller", "realm": hub.wamp_realm, "role": BRIDGE_ROLE}


def _path(path: str) -> str:
    """Return a path as crossbar names it: without the leading slash."""
    return path.strip("/") or "ws"
