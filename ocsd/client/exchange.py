"""One request to the router's HTTP bridge, and its answer, in bounded time.

The module uses the standard library only; what a closed router needs is loaded for one.
"""

import base64
import contextlib
import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from ocsd.system.entrance import Entrance


class _UnreachableError(OSError):
    """The connection was not accepted in time."""


def exchange(
    url: str, body: bytes, connect_limit_s: float, limit_s: float, words: str
) -> tuple[int, bytes]:
    """Return HTTP status and content of the answer to a POST.

    Raises
    ------
    TimeoutError
        If the whole takes longer than `limit_s`.
    OSError, HTTPException
        If there is no connection, or it is lost.
    ValueError
        If the URL is none.
    """
    end_s = time.monotonic() + limit_s
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError("wamp_http of the site file begins with http:// or https://")
    entrance = None
    if parts.scheme == "https":
        from ocsd.access.entrance import of_url

        entrance = of_url(url)
    connection = _connection(parts, entrance, connect_limit_s)
    try:
        try:
            connection.connect()
        except TimeoutError as error:
            text = f"no connection within {connect_limit_s:g} s"
            raise _UnreachableError(text) from error
        # The connection hands its socket over to an answer that says it is the last one.
        stream = connection.sock
        stream.settimeout(None)
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        headers = {
            "Content-Type": "application/json",
            "Connection": "close",
            "User-Agent": words.encode("ascii", "replace").decode(),
            **_login(parts, entrance),
        }
        # A time limit of the socket is one for each piece, and pieces may come for ever.
        limit = threading.Timer(end_s - time.monotonic(), _hang_up, [stream])
        limit.daemon = True
        limit.start()
        try:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            limit.cancel()
        if time.monotonic() >= end_s:
            raise TimeoutError
        return answer.status, content
    except (OSError, http.client.HTTPException):
        if time.monotonic() >= end_s:
            raise TimeoutError from None  # The timer has hung up.
        raise
    finally:
        connection.close()


def _connection(
    parts: SplitResult, entrance: "Entrance | None", limit_s: float
) -> http.client.HTTPConnection:
    """Return a connection to a bridge, which is not open yet."""
    host = parts.hostname or "localhost"
    if entrance is None:
        return http.client.HTTPConnection(host, parts.port, timeout=limit_s)
    if entrance.http_socket is not None and not parts.path.strip("/").startswith("call-"):
        return _LocalConnection(entrance.http_socket, limit_s)
    import ssl

    context = ssl.create_default_context(cafile=entrance.ca_file)
    return http.client.HTTPSConnection(host, parts.port, timeout=limit_s, context=context)


class _LocalConnection(http.client.HTTPConnection):
    """A connection over a Unix socket."""

    def __init__(self, path: str, limit_s: float) -> None:
        super().__init__("localhost", timeout=limit_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _login(parts: SplitResult, entrance: "Entrance | None") -> dict[str, str]:
    """Return the header for the user and password that a URL has, or else this process."""
    credentials = entrance.credentials if entrance is not None else None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    elif credentials is not None:
        login = f"{credentials.authid}:{credentials.secret}"
    else:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _hang_up(stream: socket.socket) -> None:
    with contextlib.suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)


def reason_of(error: Exception, url: str) -> str:
    """Return why there is no connection."""
    code = getattr(error, "verify_code", None)
    if code is None:
        return str(getattr(error, "strerror", None) or error or type(error).__name__)
    from ocsd.access.entrance import of_url
    from ocsd.access.faults import certificate_fault

    peer = urlsplit(url).netloc.rpartition("@")[2]
    text = str(getattr(error, "verify_message", ""))
    return certificate_fault(code, peer, time.time(), of_url(url).ca_file, text)
