"""The state of the host, once or as a stream of events."""

import time
from collections.abc import Mapping
from typing import Any, Final

from ocsd.reactor.ticker import Ticker
from ocsd.web.api.view import state_of
from ocsd.web.server.plain import dumps
from ocsd.web.server.route import Call
from ocsd.web.server.seats import MOST_VIEWERS, Seats
from ocsd.web.server.stream import Stream, event_bytes
from ocsd.web.settings import PageSettings
from ocsd.web.sources.states import HostState, States

LOOKING_S: Final = 15.0
"""A window that has asked within this time is looked at [s]; a hidden one asks every 10 s."""


class StateEndpoints:
    """Answers `state` and `events`; the text of a state is made once for all viewers."""

    def __init__(self, settings: PageSettings, states: States, seats: Seats) -> None:
        self._settings = settings
        self._states = states
        self._seats = seats
        self._streams: dict[Stream, str] = {}
        self._asked_s: dict[str, float] = {}
        self._ticker = Ticker(1.0, self._tick)
        self._forget: Any = None
        self._last = b""
        self._viewed: HostState | None = None
        self._encoded = b""

    @property
    def viewers(self) -> int:
        """The number of windows in which somebody looks, with or without the focus."""
        since_s = time.monotonic() - LOOKING_S
        asked = {window for window, asked_s in self._asked_s.items() if asked_s >= since_s}
        return len(asked.union(self._streams.values()))

    async def state(self, call: Call) -> bytes:
        """Return what the page shows of the host; windows without the focus ask once a second."""
        if window := call.params["window"]:
            self._asked_s.pop(window, None)
            self._asked_s[window] = time.monotonic()
            while len(self._asked_s) > MOST_VIEWERS:
                del self._asked_s[next(iter(self._asked_s))]
        state = await self._states.fresh()
        if state is not self._viewed:
            view = self._view(state)
            del view["at"]
            self._viewed, self._encoded = state, dumps(view).removeprefix(b"{")
        return f'{{"at":{time.time()!r},'.encode() + self._encoded + b"\n"

    async def events(self, call: Call) -> None:
        """Stream each state and each transition."""
        self._seats.take("events")
        stream = Stream(call.request)
        stream.on_close = lambda: self._left(stream)
        stream.on_caught_up = lambda: self._repeat(stream)
        self._streams[stream] = call.params["window"] or f"stream {id(stream)}"
        if self._forget is None:
            self._forget = self._states.watch(self._take_state, self._take_transition)
            self._ticker.start()
        else:
            self._repeat(stream)

    def _repeat(self, stream: Stream) -> None:
        """Write the present state to a new viewer, or to one that was skipped."""
        if self._last:
            stream.raw(self._last)

    def _left(self, stream: Stream) -> None:
        self._seats.leave("events")
        self._streams.pop(stream, None)
        if not self._streams:
            self._forget()
            self._forget = None
            self._last = b""
            self._ticker.stop()

    def _take_state(self, state: HostState) -> None:
        self._last = event_bytes("state", self._view(state))
        self._send(self._last)

    def _take_transition(self, transition: Mapping[str, Any]) -> None:
        self._send(event_bytes("transition", {**transition, "host": self._settings.host}))

    def _tick(self) -> None:
        self._send(event_bytes("tick", {"at": time.time()}))

    def _send(self, data: bytes) -> None:
        for stream in list(self._streams):
            stream.raw(data)

    def _view(self, state: HostState) -> dict[str, Any]:
        return state_of(self._settings, state, time.time())
