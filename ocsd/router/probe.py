"""What listens at the hub's address."""

import base64
import os
import socket
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

import psutil

PROBE_LIMIT_S = 2.0


class Answering(StrEnum):
    """What was found at an address."""

    NOTHING = "nothing"
    ROUTER = "router"
    STRANGER = "stranger"


def probe(url: str) -> Answering:
    """Find out what listens at a WebSocket address.

    Parameters
    ----------
    url : str
        The hub's ``wamp_server``.

    Returns
    -------
    Listener
        A router is what agrees to speak WAMP over WebSocket (RFC 6455 and
        https://wamp-proto.org, "WebSocket Transport") at this address.
    """
    parts = urlsplit(url)
    if parts.scheme == "wss":
        # A TLS router is not one that ocsd starts: that anything listens is enough.
        return Answering.ROUTER if is_open(url) else Answering.NOTHING
    try:
        connection = _connect(parts)
    except OSError:
        return Answering.NOTHING
    with connection:
        try:
            connection.sendall(_upgrade_request(parts))
            answer = connection.recv(4096).decode("latin-1").lower()
        except OSError:
            return Answering.STRANGER
    agreed = answer.startswith("http/1.1 101") and "sec-websocket-protocol: wamp.2." in answer
    return Answering.ROUTER if agreed else Answering.STRANGER


def is_open(url: str) -> bool:
    """Whether anything listens at an address."""
    try:
        _connect(urlsplit(url)).close()
    except OSError:
        return False
    return True


def holder(url: str) -> str:
    """Return words for the process that listens at a local address, as far as it can be seen."""
    port = port_of(urlsplit(url))
    try:
        for each in psutil.net_connections("tcp"):
            listens = each.status == psutil.CONN_LISTEN and each.laddr
            if listens and each.laddr[1] == port and each.pid:  # type: ignore[misc] # may be ()
                return f"pid {each.pid} ({psutil.Process(each.pid).name()})"
    except psutil.Error:
        pass
    return "another program"


def port_of(parts: SplitResult) -> int:
    """Return the port of an address, given or implied by its scheme."""
    return parts.port or (443 if parts.scheme in {"wss", "https"} else 80)


def _connect(parts: SplitResult) -> socket.socket:
    address = (parts.hostname or "localhost", port_of(parts))
    return socket.create_connection(address, timeout=PROBE_LIMIT_S)


def _upgrade_request(parts: SplitResult) -> bytes:
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
