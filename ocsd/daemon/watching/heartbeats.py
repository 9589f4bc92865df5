"""Takes heartbeats that this daemon hears for signs of life of its agents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock
from ocsd.supervisor.reliance import Heard, Reliance


@dataclass(eq=False)
class HeartbeatWatch:
    """Hands heartbeats to the keepers, and shows agents whether they need other signs of life.

    A router, and a registry in this daemon, are needed for that. Heartbeats are known by the
    session-id, so the namesake of an agent elsewhere does not count.
    """

    fleet: Fleet
    heard_s: Callable[[], Mapping[str, float]]
    """Returns when the latest heartbeat of each agent came [s, monotonic], by session-id."""
    show: Callable[[bool], None]
    """Shows agents whether their heartbeats are heard."""
    clock: Clock

    def __post_init__(self) -> None:
        self._reliance = Reliance(missed_at_s=self.clock.seconds())

    def check(self) -> None:
        """Take the heartbeats since the round before."""
        heard_s, agents = self.heard_s(), []
        for keeper in self.fleet.everyone():
            report_s = keeper.report.heard_at_s
            if keeper.session_id and keeper.report.ready and report_s is not None:
                heartbeat_s = heard_s.get(keeper.session_id, -inf)
                keeper.heard_heartbeat(heartbeat_s)
                agents.append(Heard(report_s, heartbeat_s))
        self._reliance = self._reliance.after(agents, self.clock.seconds())
        self.show(self._reliance.is_on)
