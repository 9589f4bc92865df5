"""Requests of the evaluator to the daemon: its status, and entries of the history."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ocsd.errors import UnreachableError
from ocsd.reactor.unix_exchange import exchange
from ocsd.status.request import request_bytes

DAEMON_LIMIT_S: Final = 2.0
WRITE_AGAIN_S: Final = 2.0
"""Delay before entries of the history are offered again [s]."""
UNWELL_AFTER_S: Final = 15.0
"""Age of the daemon's last answer at which it is not well any more [s]."""

Row = Mapping[str, Any]


class DaemonFacts:
    """Asks the daemon for its status now and then, and gives it entries of the history.

    Attributes
    ----------
    status : mapping
        The last answer; empty before the first.
    trouble : str
        Why there was none the last time; empty if there was one.
    """

    def __init__(self, reactor: Any, path: Path) -> None:
        self.status: Row = {}
        self.trouble = "the daemon has not answered yet"
        self._reactor = reactor
        self._path = path
        self._asked_s = float("-inf")
        self._heard_s = reactor.seconds()
        self._is_fresh = False
        self._is_asking = False
        self._is_writing = False
        self._write_s = float("-inf")
        # It is not known what the process before has written.
        self._again = True

    def ask(self, every_s: float) -> None:
        """Ask for the status, if that was asked `every_s` [s] ago."""
        now_s = self._reactor.seconds()
        if self._is_asking or now_s - self._asked_s < every_s:
            return
        self._is_asking, self._asked_s = True, now_s
        asking = self._request("/v1/status")
        asking.addCallbacks(self._answered, self._failed)
        asking.addBoth(lambda _: setattr(self, "_is_asking", False))

    def take(self) -> Row | None:
        """Return a status that came since the last call; None if none came."""
        if not self._is_fresh:
            return None
        self._is_fresh = False
        return self.status

    @property
    def unwell(self) -> str:
        """Why the daemon is not well; empty if it is."""
        age_s = self._reactor.seconds() - self._heard_s
        if not self.status or age_s > UNWELL_AFTER_S:
            return f"the daemon has not answered for {age_s:.0f} s: {self.trouble}"
        return ""

    def record(self, entries: Sequence[Row], done: Callable[[int], None]) -> None:
        """Give entries to the daemon; `done` gets their number when it has them."""
        if self._is_writing or not entries or self._reactor.seconds() < self._write_s:
            return
        self._is_writing, count = True, len(entries)
        body = {"entries": list(entries), "again": self._again}
        self._again = True

        def written(_: Row) -> None:
            self._again = False
            done(count)

        writing = self._request("/v1/alarms/record", body)

        def failed(failure: Any) -> None:
            self._write_s = self._reactor.seconds() + WRITE_AGAIN_S
            self._failed(failure)

        writing.addCallbacks(written, failed)
        writing.addBoth(lambda _: setattr(self, "_is_writing", False))

    def _request(self, target: str, body: Row | None = None) -> Any:
        asking = exchange(self._reactor, self._path, request_bytes(target, body), DAEMON_LIMIT_S)
        return asking.addCallback(_content)

    def _answered(self, status: Row) -> None:
        self.status, self._is_fresh, self.trouble = status, True, ""
        self._heard_s = self._reactor.seconds()

    def _failed(self, failure: Any) -> None:
        self.trouble = failure.getErrorMessage()


def _content(answer: bytes) -> Row:
    """Return the object in an answer of HTTP."""
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        told = dict(json.loads(body))
    except (ValueError, TypeError) as error:
        raise UnreachableError(f"its answer cannot be read: {error}") from error
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise UnreachableError(f"it refuses: {told.get('error', {}).get('message', head)}")
    return told
