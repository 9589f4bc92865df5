"""Metrics for Prometheus, from what the page reads already."""

import contextlib
import time
from collections.abc import Mapping
from typing import Any, Final

from ocsd.errors import OcsdError
from ocsd.history.file import read_since
from ocsd.history.summary import START_ALLOWANCE_S, summaries
from ocsd.status.alarms import HostAlarms, alarms_of
from ocsd.status.replies import host_status
from ocsd.system.paths import HostPaths
from ocsd.system.proc import usage_of
from ocsd.web.api.alarms import AlarmEndpoints
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
        alarms: AlarmEndpoints,
        work: Work,
    ) -> None:
        self._settings = settings
        self._states = states
        self._state = state
        self._live = live
        self._all_alarms = alarms.all_alarms
        self._work = work
        self._availability: Mapping[str, float] = {}
        self._read_s = float("-inf")

    async def metrics(self, call: Call) -> bytes:
        """Return the metrics of this host."""
        state = await self._states.fresh()
        feeds = self._live.tallies()
        if feeds is not None:
            feeds = dict(feeds)  # The counts go on meanwhile.
        facts: dict[str, Any] = {
            "answers": state.answers,
            "feeds": feeds,
            "viewers": self._state.viewers,
        }
        if state.answers and state.status is not None:
            facts["report"] = report = host_status(state.status)
            if report.alarms is not None:
                facts["alarms"] = await self._alarms()
        accept = header_of(call.request, "accept")
        # It takes 35 ms with 50 instances: in a thread it holds up no stream.
        kind, text = await self._work.do(self._text, facts, accept)
        call.request.setHeader(b"content-type", kind.encode())
        content: bytes = text
        return content

    async def _alarms(self) -> HostAlarms | None:
        with contextlib.suppress(OcsdError):
            return alarms_of(await self._all_alarms())
        return None

    def _text(self, facts: Mapping[str, Any], accept: str) -> tuple[str, bytes]:
        # Loaded now, for the library takes 0.1 s.
        from ocsd.web.metrics.exposition import exposition
        from ocsd.web.metrics.scrape import Scrape

        now_s = time.monotonic()
        if now_s - self._read_s >= AVAILABILITY_PERIOD_S:
            self._read_s = now_s
            self._availability = availabilities(self._settings.paths)
        seen = Scrape(
            self._settings.host,
            time.time(),
            availability=self._availability,
            usage=usage_of,
            **facts,
        )
        return exposition(seen, accept)


def availabilities(paths: HostPaths) -> dict[str, float]:
    """Return the availability of each instance over the last day; none if it was never wanted."""
    now_at = time.time()
    since_at = now_at - AVAILABILITY_SPAN_S
    try:
        # A start that was asked for before then may still count.
        entries = read_since(paths.journal, since_at - START_ALLOWANCE_S)
        found = summaries(entries, since_at, now_at)
    except OSError:
        return {}
    return {
        name: summary.availability
        for name, summary in found.items()
        if summary.availability is not None
    }
