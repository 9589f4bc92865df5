"""Metrics for Prometheus, from what the page reads already."""

import time
from collections.abc import Mapping
from typing import Any, Final

from ocsd.history.file import read_since
from ocsd.history.summary import summaries
from ocsd.status.replies import host_status
from ocsd.system.paths import HostPaths
from ocsd.system.proc import usage_of
from ocsd.web.api.live import LiveEndpoints
from ocsd.web.api.state import StateEndpoints
from ocsd.web.server.route import Call
from ocsd.web.server.site import header_of
from ocsd.web.settings import PageSettings
from ocsd.web.sources.states import States
from ocsd.web.work import Work

AVAILABILITY_SPAN_S: Final = 86400.0
AVAILABILITY_PERIOD_S: Final = 60.0
"""Time between two readings of the history for availabilities [s]."""


class MetricsEndpoint:
    """Answers `metrics`."""

    def __init__(
        self,
        settings: PageSettings,
        states: States,
        state: StateEndpoints,
        live: LiveEndpoints,
        work: Work,
    ) -> None:
        self._settings = settings
        self._states = states
        self._state = state
        self._live = live
        self._work = work
        self._availability: Mapping[str, float] = {}
        self._read_s = float("-inf")

    async def metrics(self, call: Call) -> bytes:
        """Return the metrics of this host."""
        state = await self._states.fresh()
        facts: dict[str, Any] = {
            "host": self._settings.host,
            "answers": state.answers,
            "feeds": self._live.tallies(),
            "viewers": self._state.viewers,
        }
        if state.answers and state.status is not None:
            facts["report"] = host_status(state.status)
        # The text is made here and not in the thread, for the counts go on.
        now_s = time.monotonic()
        if now_s - self._read_s >= AVAILABILITY_PERIOD_S:
            self._read_s = now_s
            self._availability = await self._work.do(availabilities, self._settings.paths)
        kind, text = _text(facts, self._availability, header_of(call.request, "accept"))
        call.request.setHeader(b"content-type", kind.encode())
        return text


def availabilities(paths: HostPaths) -> dict[str, float]:
    """Return the availability of each instance over the last day; none if it was never wanted."""
    _load()
    now_at = time.time()
    since_at = now_at - AVAILABILITY_SPAN_S
    try:
        found = summaries(read_since(paths.journal, since_at), since_at, now_at)
    except OSError:
        return {}
    return {
        name: summary.availability
        for name, summary in found.items()
        if summary.availability is not None
    }


def _load() -> None:
    """Load the libraries, which takes 0.1 s, in the thread."""
    import ocsd.web.metrics.exposition  # noqa: F401 - to load it


def _text(
    facts: Mapping[str, Any], availability: Mapping[str, float], accept: str
) -> tuple[str, bytes]:
    from ocsd.web.metrics.exposition import exposition
    from ocsd.web.metrics.scrape import Scrape

    seen = Scrape(at=time.time(), availability=availability, usage=usage_of, **facts)
    return exposition(seen, accept)
