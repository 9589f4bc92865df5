"""The answers to the requests of the API."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ocsd import __version__
from ocsd.web.api.openapi import document
from ocsd.web.api.watching import Watching
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.settings import Settings
from ocsd.web.sources.daemon import Daemon
from ocsd.web.sources.states import States

STARTED_AT: Final = time.time()


@dataclass(eq=False)
class Handlers:
    """Answers requests; each method is the handler of a route of `ocsd.web.api.table`."""

    settings: Settings
    reactor: Any
    address: Callable[[], str]
    seats: Seats = field(default_factory=Seats)

    def __post_init__(self) -> None:
        self.daemon = Daemon(self.reactor, self.settings.paths.control_socket)
        states = States(self.daemon, self.reactor)
        self.watching = Watching(self.settings, states, self.seats, self.reactor)

    def trouble(self) -> str:
        """Return the faults that an operator should know; empty if there are none."""
        return ""

    async def openapi(self, _call: Call) -> dict[str, Any]:
        """Return the description of the API."""
        from ocsd.web.api.table import routes

        return document(routes(self))

    async def about(self, _call: Call) -> dict[str, Any]:
        """Return the facts about this process."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "since_at": STARTED_AT,
            "address": self.address(),
            "trends": {"built": 0, "waiting": 0, "folder": None},
            "viewers": self.seats.taken("events"),
        }
