"""Hosts that were stopped on purpose: their daemons have said so while they ended.

A host that crashed, or lost its network, says nothing.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred

from ocsd.bus.caller import Caller
from ocsd.daemon.api.askers import LONGEST_PERSON
from ocsd.errors import UnreachableError
from ocsd.text.printable import one_line
from ocsd.text.times import utc

FAREWELL: Final = "stopping"
"""The request with which an ending daemon tells the others, and the mark of its last answers."""


class Farewell(NamedTuple):
    """The last word of a host."""

    at: float
    """When it came [s, Unix time]."""
    by: str
    """The person or the signal that has stopped the host."""


@dataclass(eq=False)
class Farewells:
    """Remembers which hosts were stopped, until they answer again."""

    now: Callable[[], float] = time.time
    """Returns the time [s, Unix time]."""
    _told: dict[str, Farewell] = field(default_factory=dict, init=False)

    def heard(self, client: Caller, body: Mapping[str, Any], *, is_closed: bool) -> None:
        """Take the last word of a host; on a closed site from that host only."""
        host = str(body.get("host"))[:LONGEST_PERSON]
        if not is_closed or client.authid == host:
            by = one_line(str(body.get("by") or "somebody"))[:LONGEST_PERSON]
            self._told[host] = Farewell(self.now(), by)

    def text(self, host: str) -> str:
        """Return that a host was stopped, and the next step; empty if it has not said so."""
        told = self._told.get(host)
        if told is None:
            return ""
        return (
            f"host {host!r} was stopped at {utc(told.at)} by {told.by}; ocsd start --host {host} "
            "on its machine starts it"
        )

    def explained(self, host: str, asked: "Deferred[Any]") -> "Deferred[Any]":
        """Return a question to a host, whose failure says that it was stopped, if it was."""

        def answered(reply: Any) -> Any:
            if not reply.get(FAREWELL):
                self._told.pop(host, None)
            return reply

        def failed(failure: Any) -> Any:
            text = self.text(host)
            if text and failure.check(UnreachableError):
                raise UnreachableError(text) from failure.value
            return failure

        return asked.addCallbacks(answered, failed)
