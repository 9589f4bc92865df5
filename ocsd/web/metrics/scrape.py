"""The facts behind one scrape."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ocsd.status.alarms import HostAlarms
from ocsd.status.replies import HostStatus
from ocsd.system.proc import ProcessUsage
from ocsd.web.live.tally import FeedTally


class Scrape(NamedTuple):
    """The facts behind one scrape."""

    host: str
    at: float
    """Its time [s, Unix time]."""
    answers: bool = False
    """Whether the daemon answers."""
    report: HostStatus | None = None
    """Its status; None if it does not answer. An old one would be taken for the present."""
    alarms: HostAlarms | None = None
    """Its alarms; None if it has none."""
    feeds: Mapping[str, FeedTally] | None = None
    """The count of each feed; None if the host has no aggregator."""
    availability: Mapping[str, float] = {}
    """The availability of instances over the last day, 0 to 1."""
    viewers: int = 0
    usage: Callable[[int], ProcessUsage | None] = lambda _: None
    """Returns the resources that a process has used."""
