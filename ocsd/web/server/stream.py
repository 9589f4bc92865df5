"""Streams of events to one client each; one that reads slowly is skipped."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ocsd.web.server.plain import dumps


class Stream:
    """Writes events to a client, for as long as it listens.

    A client that does not read as fast as events come is skipped (`is_behind`): whoever writes
    sends the whole picture later, when `on_caught_up` is called.
    """

    def __init__(self, request: Any, kind: str = "text/event-stream") -> None:
        self._request = request
        self._lines = kind != "text/event-stream"
        self.is_open = True
        self.is_behind = False
        self.on_close: Callable[[], None] = lambda: None
        self.on_caught_up: Callable[[], None] = lambda: None
        request.setHeader(b"content-type", kind.encode())
        request.setHeader(b"cache-control", b"no-cache")
        # nginx would otherwise collect 8 kB before the browser gets any.
        request.setHeader(b"x-accel-buffering", b"no")
        request.notifyFinish().addBoth(self._closed)
        request.registerProducer(self, True)
        if not self._lines:
            request.write(b": events follow\n\n")

    def event(self, name: str, value: Any) -> bool:
        """Write a named event; return False if the client is skipped."""
        return self.raw(event_bytes(name, value))

    def line(self, value: Mapping[str, Any]) -> bool:
        """Write an object on a line of its own."""
        return self.raw(json.dumps(value).encode() + b"\n")

    def raw(self, data: bytes) -> bool:
        """Write bytes that were made for several clients; return False if this one is skipped."""
        if not self.is_open or (self.is_behind and not self._lines):
            return False
        self._request.write(data)
        return True

    def finish(self) -> None:
        """End the stream."""
        if self.is_open:
            self._request.unregisterProducer()
            self._request.finish()

    def _closed(self, _: object) -> None:
        if self.is_open:
            self.is_open = False
            self.on_close()

    # Twisted's interface of producers (IPushProducer)

    def pauseProducing(self) -> None:
        """Note that the client is behind."""
        self.is_behind = True

    def resumeProducing(self) -> None:
        """Note that the client has read all."""
        self.is_behind = False
        if self.is_open:
            self.on_caught_up()

    def stopProducing(self) -> None:
        """Note that the client is gone."""
        self._closed(None)


def event_bytes(name: str, value: Any) -> bytes:
    """Return a server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), dumps(value))
