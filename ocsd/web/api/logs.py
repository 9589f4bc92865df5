"""Logs, states and history of the host, from files: no daemon is needed."""

import time
from typing import Any, Final

from ocsd.errors import UsageError
from ocsd.reactor.threads import the_reactor
from ocsd.web.refusals import BusyError
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.server.stream import Stream
from ocsd.web.settings import PageSettings
from ocsd.web.sources import records
from ocsd.web.sources.records import LogTail
from ocsd.web.work import Work

DAY_S: Final = 86400.0
LOG_STREAM_POLL_S: Final = 0.5
"""Time between two looks at a log that is followed [s]."""
MOST_LINES_AT_ONCE: Final = 1000


class LogEndpoints:
    """Answers requests for logs, states and history."""

    def __init__(self, settings: PageSettings, seats: Seats, work: Work) -> None:
        self._paths = settings.paths
        self._seats = seats
        self._work = work

    async def log(self, call: Call) -> dict[str, Any]:
        """Return the last lines of a log."""
        name = call.names["name"]
        path = records.log_path(self._paths, name)
        chosen = records.line_filter(call.params["level"], call.params["grep"])
        since_at = call.params["since"]
        lines = call.params["lines"]
        found = await self._work.do(records.log_lines, path, name, lines, chosen, since_at)
        return {"lines": found, "path": str(path)}

    async def follow(self, call: Call) -> None:
        """Stream the lines that are appended to a log."""
        name = call.names["name"]
        path = records.log_path(self._paths, name)
        chosen = records.line_filter(call.params["level"], call.params["grep"])
        tail = LogTail(path, name, chosen)  # first: a log that cannot be read takes no seat
        try:
            self._seats.take("log")
        except BusyError:
            tail.close()
            raise
        _Following(call, tail, self._seats, self._work)

    async def strip(self, call: Call) -> dict[str, Any]:
        """Return the states of an instance."""
        since_at, until_at = _span(call)
        name = call.names["name"]
        found = await self._work.do(records.strip, self._paths, name, since_at, until_at)
        return {"spans": found}

    async def history(self, call: Call) -> dict[str, Any]:
        """Return the entries of the history."""
        since_at, until_at = _span(call)
        names, kind = call.params["instance"], call.params["kind"]
        limit = call.params["limit"]
        found = await self._work.do(
            records.history, self._paths, since_at, until_at, limit, names, kind
        )
        return {"entries": found}


class _Following:
    """One viewer of a log that grows."""

    def __init__(self, call: Call, tail: LogTail, seats: Seats, work: Work) -> None:
        self._tail = tail
        self._seats = seats
        self._work = work
        self._timer: Any = None
        self._tick_due_at = 0.0
        self._stream = Stream(call.request)
        self._stream.on_close = self._closed
        self._poll()

    def _poll(self) -> None:
        self._timer = None
        if not self._stream.is_open:
            return
        if self._stream.is_behind:
            self._again(None)
            return
        try:
            read = self._work.do(list, self._tail.fresh())
        except BusyError:
            self._again(None)
            return
        read.addCallbacks(self._write, self._again)

    def _write(self, lines: list[dict[str, Any]]) -> None:
        left_out = max(0, len(lines) - MOST_LINES_AT_ONCE)
        if left_out:
            self._stream.event("left_out", {"count": left_out})
        for line in lines[left_out:]:
            self._stream.event("line", line)
        now_at = time.time()
        if now_at >= self._tick_due_at:
            # A viewer who is gone without a word is noticed when nothing more gets to it.
            self._tick_due_at = now_at + 1.0
            self._stream.event("tick", {"at": now_at})
        self._again(None)

    def _again(self, _: object) -> None:
        if self._stream.is_open:
            self._timer = the_reactor().callLater(LOG_STREAM_POLL_S, self._poll)

    def _closed(self) -> None:
        self._seats.leave("log")
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._tail.close()


def _span(call: Call) -> tuple[float, float]:
    """Return the span of time that is asked for [Unix s]; the last day by default."""
    until_at = call.params["until"]
    if until_at is None:
        until_at = time.time()
    since_at = call.params["since"]
    if since_at is None:
        since_at = until_at - DAY_S
    return check_span(since_at, until_at)


def check_span(since_at: float, until_at: float) -> tuple[float, float]:
    """Return a span of time that has a length.

    Raises
    ------
    UsageError
        If it has none.
    """
    if until_at <= since_at:
        raise UsageError(
            f"until ({until_at:.3f}) is not later than since ({since_at:.3f}), so there is no time "
            "between them"
        )
    return since_at, until_at
