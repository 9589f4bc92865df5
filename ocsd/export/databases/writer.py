"""Writes all that is recorded to a database, whatever becomes of the database or of us.

A step takes new samples off the journal, sends them, and moves the cursor on when the database has
acknowledged them; while a batch is on its way, the next one is made. If nothing new waits, a batch
of old samples follows, and then a pause as long: they have half of the time at most. When the
database does not answer, all that was not acknowledged is read again later. So every sample arrives
at least once, and a sample that arrives again is the same point.
"""

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, Protocol

from ocsd.aggregator.incoming.moment import Instant
from ocsd.errors import JournalVersionError, NotPermittedError
from ocsd.export.databases.cursor import FileSpan
from ocsd.export.databases.destination import (
    Batch,
    CursorStore,
    DatabaseAwayError,
    Delivered,
    Destination,
    Refused,
)
from ocsd.export.databases.flights import Flights
from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.source import SampleSource, backlog_bytes, missing_journal
from ocsd.export.databases.trails import names_of_files

IDLE_S: Final = 0.5
"""Delay before it is looked for new samples [s]."""
DATABASE_RETRY_S: Final = 1.0
"""Delay before a database that does not answer is tried again [s]."""
SAVE_S: Final = 5.0
"""Period of saving the cursor [s]: after a kill, samples of this time are sent again."""
BACKLOG_S: Final = 5.0
SILENT_JOURNAL_S: Final = 30.0
"""A journal without a new entry for this long belongs to an aggregator that does not record [s]."""
LATE_WRITING_S: Final = 30.0
"""A lag that is a trouble [s]."""


class SetAside(Protocol):
    """Keeps what is refused (`ocsd.aggregator.incoming.quarantine.Quarantine`)."""

    def add(self, at: float, sender: str, message: object, feed_info: object, reason: str) -> None:
        """Keep what was refused at a Unix time [s]."""


@dataclass(slots=True)
class WritingCondition:
    """The state of the writing."""

    connected: bool = False
    trouble: str = "it has not been tried yet"
    """Why it is not connected."""
    lines: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refused_because: dict[str, str] = field(default_factory=dict)
    """The latest reason, by measurement."""
    not_kept: int = 0
    """Refused lines or rows that could not be put aside."""
    backlog_bytes: int = 0
    source_trouble: str = ""
    cursor_trouble: str = ""
    cursor_lost: str = ""
    """Why it is not known what an earlier life has left."""
    leaves_out_files: bool = False
    """Whether there is no cursor, and older data are in files, which are not written."""


class Writer(Generic[Batch]):
    """Writes to one database; all methods belong to one thread.

    Parameters
    ----------
    destination : Destination
        The database.
    folder : Path or None
        The data folder of the aggregator; None: only the inbox is written.
    cursor : CursorStore
        Keeps the cursor.
    set_aside : SetAside
        Keeps what is refused.
    inbox : Inbox
        Messages off the bus.
    clock : callable
        Returns the time.
    executor : Executor, optional
        Its threads send; default: threads of its own.
    """

    def __init__(
        self,
        destination: Destination[Batch],
        folder: Path | None,
        cursor: CursorStore,
        set_aside: SetAside,
        inbox: Inbox,
        clock: Callable[[], Instant] = Instant.now,
        executor: Executor | None = None,
    ) -> None:
        self.condition = WritingCondition()
        self._destination, self._folder, self._cursor = destination, folder, cursor
        self._set_aside, self._inbox, self._clock = set_aside, inbox, clock
        self._source: SampleSource | None = None
        self._old: deque[Batch] = deque()
        self._saved_s = self._counted_s = float("-inf")
        self._failed_before = self._inbox_sent = False
        self._began_at = clock().at
        executor = executor or ThreadPoolExecutor(destination.in_flight, "ocsd-export")
        self._flights = Flights(executor, destination.in_flight, self._landed)

    def step(self) -> float:
        """Write what waits, of about a mebibyte, and return the delay until the next step [s]."""
        self.condition.source_trouble = ""
        try:
            return self._step()
        except DatabaseAwayError as error:
            self._flights.abandon()
            self._destination.close()
            self._cursor.forget_young()
            if self.condition.connected and not self._failed_before:
                # Servers end connections now and then, or are restarted.
                self._failed_before = True
                self._begin_again()
                return 0.0
            self.condition.connected, self.condition.trouble = False, str(error)
        except (JournalVersionError, NotPermittedError, OSError) as error:
            self.condition.source_trouble = str(error)
        self._begin_again()
        return DATABASE_RETRY_S

    def report(self) -> dict[str, Any]:
        """Return session.data."""
        condition, now = self.condition, self._clock()
        self._count_backlog(now)
        data: dict[str, Any] = {
            "connected": condition.connected,
            "last_updated": now.at,
            "database": self._destination.name,
            "lag_s": round(self._lag_s(now), 1),
            "newest_s": round(self._newest_s(now), 1),
            "backlog_bytes": condition.backlog_bytes,
            "waiting": self._inbox.waiting,
            "lines": condition.lines,
            "refused": dict(condition.refused),
            "refused_because": dict(condition.refused_because),
            "not_kept": condition.not_kept,
            "dropped": self._inbox.dropped,
        }
        data["reason"] = self._reason(data)
        return data

    def close(self) -> None:
        """Save the cursor, and close what is open."""
        with suppress(DatabaseAwayError):
            self._flights.land()
            self._save()
        self._begin_again()
        self._flights.close()
        self._destination.close()

    def _step(self) -> float:
        # Before the database is there, so that it is known how late it is.
        self.condition.cursor_lost = self._cursor.load() or self.condition.cursor_lost
        if not self.condition.connected:
            self._destination.prepare()
            self.condition.connected, self.condition.trouble = True, ""
        new = self._write_new()
        self._write_inbox()
        if not new:
            self._flights.land()
        now_s = self._clock().mono_s
        if now_s - self._saved_s >= SAVE_S:
            self._saved_s = now_s
            self._save()
        if new:
            return 0.0
        began_s = self._clock().mono_s
        if self._write_old():
            return self._clock().mono_s - began_s
        return IDLE_S

    def _write_new(self) -> bool:
        """Write the next new samples; return whether there are more at once."""
        source = self._opened()
        if source is None:
            return False
        for batch in self._destination.batches(source.read_new()):
            self._send(batch)
        self._acknowledge(source)
        return source.behind

    def _write_inbox(self) -> None:
        if self._inbox_sent:
            return
        end, samples = self._inbox.first()
        for batch in self._destination.batches(samples):
            self._send(batch)
        self._inbox_sent = True
        self._flights.then(partial(self._inbox_written, end))

    def _inbox_written(self, end: int) -> None:
        self._destination.flush()
        for refused in self._inbox.refused:
            self._keep(refused)
        self._inbox.written(end)
        self._inbox_sent = False

    def _write_old(self) -> bool:
        """Write the next batch of old samples; return whether there was something to do."""
        source = self._source
        if source is None or not (self._old or source.cursor.spans):
            return False
        before = source.cursor
        if not self._old:
            self._old.extend(self._destination.batches(source.read_old()))
        if self._old:
            self._send(self._old.popleft())
            self._flights.land()
        if not self._old:
            source.old_written()
            self._acknowledge(source)
        # A frame before the place in a file is passed over, and moves no cursor.
        in_files = bool(before.spans) and isinstance(before.spans[0], FileSpan)
        return bool(self._old) or in_files or source.cursor != before

    def _opened(self) -> SampleSource | None:
        if self._source is None and self._folder is not None:
            self._source = SampleSource(self._folder, self._cursor.safe, self._clock().at)
            if self._cursor.safe is None:
                self.condition.leaves_out_files = bool(names_of_files(self._folder))
                # Where we begin is certain, whenever the database has on its disk what follows.
                self._acknowledge(self._source)
        return self._source

    def _begin_again(self) -> None:
        """Go back to what the database has acknowledged."""
        self._flights.abandon()
        self._inbox_sent = False
        if self._source is not None:
            self._source.close()
        self._source = None
        self._old.clear()

    def _send(self, batch: Batch) -> None:
        self._flights.send(partial(self._destination.deliver, batch))

    def _landed(self, delivered: Delivered) -> None:
        self._failed_before = False
        self.condition.lines += delivered.lines
        for refused in delivered.refused:
            self._keep(refused)

    def _keep(self, refused: Refused) -> None:
        measurement, content, reason = refused
        self.condition.refused[measurement] += 1
        self.condition.refused_because[measurement] = reason
        try:
            self._set_aside.add(self._clock().at, measurement, content, None, reason)
        except OSError:
            self.condition.not_kept += 1

    def _acknowledge(self, source: SampleSource) -> None:
        cursor = source.cursor
        self._flights.then(lambda: self._cursor.acknowledge(cursor, self._clock().mono_s))

    def _save(self) -> None:
        try:
            self._cursor.save()
            self.condition.cursor_trouble = ""
        except OSError as error:
            self.condition.cursor_trouble = (
                f"the cursor cannot be saved ({error}); after a kill, what has been written since "
                "is written again"
            )

    def _count_backlog(self, now: Instant) -> None:
        if self._folder is None or now.mono_s - self._counted_s < BACKLOG_S:
            return
        self._counted_s = now.mono_s
        try:
            cursor = self._cursor.safe
            self.condition.backlog_bytes = backlog_bytes(self._folder, cursor) if cursor else 0
        except (OSError, NotPermittedError) as error:
            self.condition.source_trouble = str(error)

    def _lag_s(self, now: Instant) -> float:
        """Return how long ago the time was up to which the database has everything [s]."""
        cursor = self._cursor.safe
        if cursor is None or not cursor.complete_at:
            # Nothing that has a time has been read yet; without a folder there is nothing to read.
            return 0.0 if self._folder is None else max(0.0, now.at - self._began_at)
        return max(0.0, now.at - cursor.complete_at)

    def _newest_s(self, now: Instant) -> float:
        """Return the age of the newest entry of the journal that the database has [s]."""
        cursor = self._cursor.safe
        if cursor is None or cursor.live.place is None or not cursor.live.place.at:
            return self._lag_s(now)
        return max(0.0, now.at - cursor.live.place.at)

    def _reason(self, data: dict[str, Any]) -> str:
        """Return what an operator has to know; empty if all is well."""
        condition = self.condition
        reasons = [condition.source_trouble, condition.cursor_trouble, condition.cursor_lost]
        if not condition.connected:
            reasons.insert(0, f"{condition.trouble}; nothing is lost, it is tried again")
        else:
            reasons.append(self._lateness(data))
        if data["refused"]:
            count = sum(data["refused"].values())
            latest = next(reversed(data["refused_because"].values()))
            unit = self._destination.unit
            reasons.append(f"{count} {unit} were refused and set aside, the last because: {latest}")
        if data["dropped"]:
            reasons.append(
                f"{data['dropped']} messages were dropped: no journal keeps them on this host"
            )
        return "; ".join(filter(None, reasons))

    def _lateness(self, data: dict[str, Any]) -> str:
        """Return why the database has not everything, though it answers."""
        lag_s, newest_s = data["lag_s"], data["newest_s"]
        is_behind = self._source is not None and (
            self._source.behind or bool(self._source.cursor.spans)
        )
        if not is_behind and self._source is not None and newest_s > SILENT_JOURNAL_S:
            if self._folder is not None and (missing := missing_journal(self._folder)):
                return missing
            return (
                f"the journal in {self._folder} has had no entry for {newest_s:.0f} s; see "
                "whether the aggregator records"
            )
        left = f"{data['backlog_bytes'] / 1e6:.1f} MB are left"
        if newest_s > LATE_WRITING_S:
            return f"the database is {newest_s:.0f} s late: it takes less than comes; {left}"
        if lag_s > LATE_WRITING_S:
            return (
                f"what is new is written, and what is older follows, from {lag_s:.0f} s ago: {left}"
            )
        return ""
