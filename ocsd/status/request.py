"""A request to the daemon's control API, as it goes through its socket."""

import json
from collections.abc import Mapping
from typing import Any


def request_bytes(target: str, body: Mapping[str, Any] | None = None) -> bytes:
    """Return a request of HTTP: of a path, or a change if there is a body."""
    method, content = "GET", b""
    if body is not None:
        method, content = "POST", json.dumps(body).encode()
    head = (
        f"{method} {target} HTTP/1.0\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode("ascii") + content
