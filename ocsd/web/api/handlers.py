"""The answers to the requests of the API, subject by subject."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

from ocsd import __version__
from ocsd.web.api.alarms import AlarmEndpoints
from ocsd.web.api.changes import ChangeEndpoints
from ocsd.web.api.entering import Entering
from ocsd.web.api.live import LiveEndpoints
from ocsd.web.api.logs import LogEndpoints
from ocsd.web.api.metrics import MetricsEndpoint
from ocsd.web.api.recorded import DataEndpoints
from ocsd.web.api.state import StateEndpoints
from ocsd.web.login.doors import Doors
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.settings import PageSettings
from ocsd.web.sources.agents import Agents
from ocsd.web.sources.daemon import DaemonLink
from ocsd.web.sources.samples import Samples, SamplesThread
from ocsd.web.sources.states import States
from ocsd.web.sources.trends import Trends, builder_of
from ocsd.web.sources.views import views
from ocsd.web.work import Work

STARTED_AT: Final = time.time()


@dataclass(eq=False)
class Handlers:
    """Answers requests; each method is the handler of a route of `ocsd.web.api.table`."""

    settings: PageSettings
    reactor: Any
    address: Callable[[], str]
    doors: Doors
    seats: Seats = field(default_factory=Seats)
    document: Mapping[str, Any] = field(default_factory=dict, init=False)
    """The description of the API, which `ocsd.web.process` makes from the table."""

    def __post_init__(self) -> None:
        own, reactor, seats = self.settings, self.reactor, self.seats
        # Calls wait for agents, reading computes: a hung agent must not hold up a plot.
        calls = Work(reactor, "calls to agents", threads=8, waiting=64)
        reading = Work(reactor, "logs and history", threads=2, waiting=64)
        state = own.paths.state
        names, windows, exports = (
            SamplesThread(reactor, Samples(own.data_dir, state, newest_only), purpose)
            for purpose, newest_only in (("fields", True), ("windows", False), ("exports", True))
        )
        daemon = DaemonLink(reactor, own.paths.control_socket)
        states = States(daemon, reactor)
        self.state = StateEndpoints(own, states, seats)
        self.entering = Entering(self.doors)
        self.changes = ChangeEndpoints(daemon, Agents(own.hub, own.instance_id), calls)
        self.alarms = AlarmEndpoints(daemon)
        self.logs = LogEndpoints(own, seats, reading)
        self.recorded = DataEndpoints(own, names, windows, exports)
        self.live = LiveEndpoints(own.data_dir, names, seats)
        self.metrics = MetricsEndpoint(own, states, self.state, self.live, self.alarms, reading)
        self.trends = Trends(own.data_dir, partial(builder_of, state))

    def start(self) -> None:
        """Begin with what goes on without anybody asking."""
        self.live.start()
        self.trends.start()

    def end(self) -> None:
        """Leave nothing behind: this process ends."""
        self.recorded.end()

    def trouble(self) -> str:
        """Return the faults that an operator should know; empty if there are none."""
        return "; ".join(filter(None, (self.live.trouble, self.trends.trouble)))

    async def openapi(self, _call: Call) -> Mapping[str, Any]:
        """Return the description of the API."""
        return self.document

    async def views(self, _call: Call) -> dict[str, Any]:
        """Return the feed viewers of this host."""
        found = views(self.settings.paths.runtime, time.time())
        return {"views": [asdict(each) for each in found]}

    async def about(self, _call: Call) -> dict[str, Any]:
        """Return the facts about this process."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "since_at": STARTED_AT,
            "address": self.address(),
            "trends": self.trends.as_json(),
            "viewers": self.state.viewers,
        }
