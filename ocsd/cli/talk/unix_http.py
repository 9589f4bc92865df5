"""The part of HTTP that the control API needs, over a connected Unix socket.

The standard library's http.client loads the mail parser and TLS, which takes
20 ms of the 60 that a command has until it speaks to the daemon. A request of
HTTP/1.0 (RFC 1945) is answered without chunks, up to the end of the connection.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ocsd.status.request import request_bytes

LONGEST_LINE_BYTES = 1 << 16


class BrokenAnswerError(Exception):
    """The answer ended early, or it is not HTTP."""


class Answer:
    """The answer to one request.

    The request for the path `target` posts `body` as JSON; without a body it is a GET. The
    caller closes the connection.

    Attributes
    ----------
    status : int
        The HTTP status.

    Raises
    ------
    BrokenAnswerError
        If the connection ends before the answer has begun.
    """

    def __init__(
        self, connection: socket.socket, target: str, body: Mapping[str, Any] | None
    ) -> None:
        connection.sendall(request_bytes(target, body))
        self.connection = connection
        self._stream = connection.makefile("rb")
        words = self._line().split(maxsplit=2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
            raise BrokenAnswerError
        self.status = int(words[1])
        self._length = 0
        while line := self._line():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self._length = int(value)

    def read(self) -> bytes:
        """Return the whole content."""
        content = self._stream.read()
        if len(content) < self._length:
            raise BrokenAnswerError
        return content

    def line_before(self, deadline_s: float) -> bytes:
        """Return the next line of the content, empty at its end.

        Raises
        ------
        TimeoutError
            If it does not arrive by `deadline_s` [s, monotonic].
        """
        self.connection.settimeout(max(0.001, deadline_s - time.monotonic()))
        return self._stream.readline()

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the lines of the content as they arrive."""
        return iter(self._stream)

    def _line(self) -> bytes:
        line = self._stream.readline(LONGEST_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise BrokenAnswerError
        return line.rstrip(b"\r\n")
