"""A device with a web interface."""

import json
import re
from collections.abc import Callable
from typing import Any

from ocsd.testing.tcp_device import TcpDevice

HttpAnswer = Callable[[str, str, bytes], Any]
"""The behaviour of a device: gets method, path and body of a request.

It returns the value to send as JSON, bytes to send as they are, or None for "404 Not Found".
"""

_END_OF_HEAD = b"\r\n\r\n"


class HttpDevice(TcpDevice):
    """A device with a web interface, which speaks JSON.

    Parameters
    ----------
    answer : callable
        Gets method, path and body of a request, e.g. ``"PUT", "/heater", b'{"power": 1}'``.
        Returns the value to send as JSON, bytes to send as they are, or None if there is no
        such path.
    port : int
        0 for a free one.
    """

    def __init__(self, answer: HttpAnswer, port: int = 0) -> None:
        super().__init__(
            lambda request: _reply(answer, request), terminator=b"", reply_terminator=b"", port=port
        )

    @property
    def url(self) -> str:
        """The address, e.g. ``http://127.0.0.1:8080``."""
        return f"http://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"HttpDevice at {self.url}"

    def _split(self, data: bytes) -> list[bytes]:
        requests = []
        while (length := _length(data)) is not None and length <= len(data):
            requests.append(data[:length])
            data = data[length:]
        return [*requests, data]


def _length(data: bytes) -> int | None:
    """Return the length of the request with which `data` begins; None while that is unknown."""
    head, end, _ = data.partition(_END_OF_HEAD)
    if not end:
        return None
    body = re.search(rb"^content-length: *(\d+)", head, re.IGNORECASE | re.MULTILINE)
    length = len(head) + len(end)
    if body is not None:
        length += int(body[1])
    return length


def _reply(answer: HttpAnswer, request: bytes) -> bytes:
    head, _, body = request.partition(_END_OF_HEAD)
    method, path, *_ = head.decode("latin-1").split(maxsplit=2)
    value = answer(method, path, body)
    status = "200 OK"
    if value is None:
        status, value = "404 Not Found", {"error": f"no such path: {path}"}
    if not isinstance(value, bytes):
        value = json.dumps(value).encode()
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(value)}",
    ]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + value
