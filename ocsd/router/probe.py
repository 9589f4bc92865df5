"""Finds out what listens at the hub's address."""

import base64
import os
import socket
from contextlib import suppress
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from ocsd.system.address import port_of

PROBE_LIMIT_S = 2.0


class Answering(StrEnum):
    """The kind of program that answers at an address."""

    NOTHING = "nothing"
    ROUTER = "router"
    STRANGER = "stranger"


def probe(url: str) -> Answering:
    """Find out what listens at a WebSocket address, such as the hub's ``wamp_server``.

    Returns
    -------
    Answering
        `ROUTER` for a server that agrees to speak WAMP over WebSocket at this address
        (RFC 6455 and https://wamp-proto.org, "WebSocket Transport").
    """
    parts = urlsplit(url)
    try:
        connection = _connect(parts)
    except OSError:
        return Answering.NOTHING
    with connection:
        if parts.scheme == "wss":
            # ocsd starts no router with TLS: any server will do.
            return Answering.ROUTER
        with suppress(OSError):
            connection.sendall(upgrade_request(parts))
            answer = connection.recv(4096).decode("latin-1").lower()
            if answer.startswith("http/1.1 101") and "sec-websocket-protocol: wamp.2." in answer:
                return Answering.ROUTER
    return Answering.STRANGER


def is_open(url: str) -> bool:
    """Whether anything listens at an address."""
    with suppress(OSError):
        _connect(urlsplit(url)).close()
        return True
    return False


def holder(url: str) -> str:
    """Return words for the process that listens at a local address, as far as it can be seen."""
    import psutil  # few daemons ever need it

    port = port_of(urlsplit(url))
    with suppress(psutil.Error):
        for end in psutil.net_connections("tcp"):
            listens = end.status == psutil.CONN_LISTEN and end.laddr
            if listens and end.laddr[1] == port and end.pid:  # type: ignore[misc] # may be ()
                return f"pid {end.pid} ({psutil.Process(end.pid).name()})"
    return "another program"


def _connect(parts: SplitResult) -> socket.socket:
    address = (parts.hostname or "localhost", port_of(parts))
    return socket.create_connection(address, timeout=PROBE_LIMIT_S)


def upgrade_request(parts: SplitResult) -> bytes:
    """Return a request to speak WAMP over WebSocket, which every router answers."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.hostname}:{port_of(parts)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: wamp.2.json",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
