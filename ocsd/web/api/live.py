"""Live values, as streams: columns of fields, and the latest value of each."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ocsd import journal
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.web.live.cursor import LiveBegin, LiveCursor, LiveRedraw
from ocsd.web.live.latest import LatestValue, is_meant
from ocsd.web.live.live import Live
from ocsd.web.live.tally import FeedTally
from ocsd.web.refusals import MissingError
from ocsd.web.server.plain import dumps
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.server.stream import Stream
from ocsd.web.sources.samples import SamplesThread, has_words

IDLE_POLL_S: Final = 1.0
"""Time between two looks into the journal while nobody looks [s]; else each update begins with one.
"""
UPDATE_S: Final = 0.25
"""Time between two updates of a viewer [s]."""
VALUES_S: Final = 0.9
"""The same of latest values: every fourth update."""
LIVE_TICK_S: Final = 0.9
AT_ONCE_S: Final = 0.05
BREATH_S: Final = 0.01
"""Time for which viewers are written to at once, and then others have their turn [s]."""


class LiveEndpoints:
    """Answers `live` and `values`; one reading of the journal serves all viewers."""

    def __init__(self, data_dir: Path | None, names: SamplesThread, seats: Seats) -> None:
        self._live: Live | None = None
        if data_dir is not None:
            self._live = Live(journal.journal_folder(data_dir), time.time)
        self._names = names
        self._seats = seats
        self._viewers: set[_Viewer] = set()
        self._waiting: list[_Viewer] = []
        self._rounds = Ticker(UPDATE_S, self._round)
        self._newest: list[LatestValue] = []
        self._newest_at = float("-inf")
        self._answers: dict[tuple[str, str], bytes] = {}

    @property
    def trouble(self) -> str:
        """Why the journal cannot be read; empty if it can."""
        if self._live is None:
            return ""
        return self._live.trouble or ""

    def start(self) -> None:
        """Begin to read the journal."""
        if self._live is not None:
            self._poll(self._live)

    def tallies(self) -> Mapping[str, FeedTally] | None:
        """Return the count of each feed up to now; None without an aggregator."""
        if self._live is None:
            return None
        self._live.poll()
        return self._live.tallies.feeds

    async def live(self, call: Call) -> None:
        """Stream columns of fields as they come."""
        live = self._source()
        wanted = call.params["field"]
        names = await self._names.do(lambda samples: samples.chosen(wanted))
        since_at = call.params["since"]
        if since_at is None:
            since_at = time.time()
        cursor = live.watch(names, call.params["step"], since_at)
        self._seats.take("live")
        _LiveViewer(call, self, cursor)

    async def values(self, call: Call) -> bytes:
        """Return the latest values."""
        if self._live is not None:
            self._live.poll()
        return self.latest(call.params["pattern"], call.params["search"])

    async def follow_values(self, call: Call) -> None:
        """Stream the latest values once a second."""
        self._source()
        self._seats.take("values")
        _ValuesViewer(call, self, call.params["pattern"])

    def latest(self, pattern: str, search: str = "") -> bytes:
        """Return the latest values that are meant, as JSON, made once for all viewers.

        They are not older than some tenths of a second.
        """
        now_at = time.time()
        if not 0 <= now_at - self._newest_at < VALUES_S / 2:
            self._newest_at, self._answers = now_at, {}
            self._newest = [] if self._live is None else self._live.latest()
        answer = self._answers.get((pattern, search))
        if answer is None:
            answer = dumps(self._values(pattern or "*", search))
            self._answers[pattern, search] = answer
        return answer

    def _values(self, pattern: str, search: str) -> dict[str, Any]:
        at = self._newest_at
        return {
            "at": at,
            "values": [
                {
                    "field": each.field,
                    "value": each.value,
                    "at": each.at,
                    "age_s": at - each.at,
                    "units": each.units or None,
                    "label": each.label or None,
                }
                for each in self._newest
                if is_meant(each.field, pattern) and has_words(search, each.field, each.label)
            ],
        }

    def join(self, viewer: "_Viewer") -> None:
        """Write to a viewer from now on."""
        self._viewers.add(viewer)
        viewer.beat()
        self._rounds.start()

    def leave(self, viewer: "_Viewer", seat: str) -> None:
        """Forget a viewer."""
        self._viewers.discard(viewer)
        self._seats.leave(seat)
        if not self._viewers:
            self._rounds.stop()

    def _round(self) -> None:
        """Begin to write to all viewers, one after the other, unless the last round goes on.

        Together, because then the processor has at hand what it needs for each of them.
        """
        if not self._waiting:
            if self._live is not None:
                self._live.poll()
            self._waiting = list(self._viewers)
            self._go_on()

    def _go_on(self) -> None:
        """Write to those that wait; leave room for other requests now and then."""
        until_s = time.monotonic() + AT_ONCE_S
        try:
            while self._waiting and time.monotonic() < until_s:
                self._waiting.pop().beat()
        finally:
            # Also after a defect, which must not cost the others their values.
            if self._waiting:
                the_reactor().callLater(BREATH_S, self._go_on)

    def _source(self) -> Live:
        if self._live is None:
            raise MissingError("this host has no aggregator, so there are no live values here")
        return self._live

    def _poll(self, live: Live) -> None:
        delay_s = IDLE_POLL_S
        try:
            live.poll()
            if live.behind:
                delay_s = 0.0
        finally:
            the_reactor().callLater(delay_s, self._poll, live)


class _Viewer:
    """A viewer of a stream that is written at a steady rate."""

    seat = ""
    period_s = VALUES_S

    def __init__(self, call: Call, endpoints: LiveEndpoints) -> None:
        self._endpoints = endpoints
        self._stream = Stream(call.request)
        self._stream.on_close = self._closed
        self._due_s = self._tick_due_s = 0.0
        endpoints.join(self)

    def beat(self) -> None:
        """Write what is new, and once a second the time."""
        now_s = time.monotonic()
        # Nothing is lost by a reader that is behind: it gets all of it next time.
        if self._stream.is_behind or not self._stream.is_open:
            return
        if now_s >= self._due_s:
            self._due_s = now_s + self.period_s
            self.write()
        if now_s >= self._tick_due_s:
            self._tick_due_s = now_s + LIVE_TICK_S
            self._stream.event("tick", {"at": time.time()})

    def write(self) -> None:
        """Write what is new."""

    def _closed(self) -> None:
        self._endpoints.leave(self, self.seat)


class _LiveViewer(_Viewer):
    seat = "live"
    period_s = 0.0

    def __init__(self, call: Call, endpoints: LiveEndpoints, cursor: LiveCursor) -> None:
        self._cursor = cursor
        super().__init__(call, endpoints)

    def write(self) -> None:
        for event in self._cursor.updates():
            match event:
                case LiveBegin():
                    self._stream.event("begin", event._asdict())
                case LiveRedraw():
                    self._stream.event("redraw", event._asdict())
                case _:
                    at = repr(time.time()).encode()
                    fields = event.as_json()
                    self._stream.raw(
                        b'event: update\ndata: {"at":%s,"fields":%s}\n\n' % (at, fields)
                    )


class _ValuesViewer(_Viewer):
    seat = "values"

    def __init__(self, call: Call, endpoints: LiveEndpoints, pattern: str) -> None:
        self._pattern = pattern
        super().__init__(call, endpoints)

    def write(self) -> None:
        self._stream.raw(b"event: values\ndata: %s\n\n" % self._endpoints.latest(self._pattern))
