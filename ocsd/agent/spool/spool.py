"""The messages of one feed that an agent keeps for readers who missed them.

**The promise.** Every message of a recorded feed reaches the files of the aggregator, or is
recorded there as lost, with its number. Nothing may be missing without a trace: not if the
agent, the aggregator, the router or their hosts end at any moment, and not if a disk is full.

**Disk first.** A message has a number, counted from 0 in each life of the agent. `Spool.put`
writes it to a file before it is published. In the other order an agent that is killed between
the two would have shown clients a message that can never be recorded. Written means
handed to the operating system: it survives the end of the process, but not always a power
cut. Waiting for the disk (fsync) would hold up the reactor for each message, and the
aggregator waits for its own disk anyway.

**Asking.** Publishing is only the fast way to the aggregator. In its heartbeat each agent
says how far its feeds have come; the aggregator compares that with what it has, and asks the
agent for the rest (`service`). So the agent need not know who listens, and keeps no list of
what was delivered.

**Segments.** A feed's messages lie in files of a tenth of the time or a sixteenth of the size
that may be kept. A file is only ever appended to, and is removed as a whole, oldest first: no
byte is moved, and a file that is damaged costs at most the messages in it. Each file begins
with the feed's description, so that it can be read without the agent; a new description
begins a new file. Its name is the number of its first message. Records have a length and a
checksum: a reader stops at the first one that was cut off when its writer died (`segment`).

**Without a disk.** A device goes on measuring if the disk is full, and the agent with it.
Messages then go to segments in memory, with the same bounds, and move to files as soon as a
try succeeds, `DISK_RETRY_S` apart. No error of the disk reaches the author's code.

**Marks.** What is in memory dies with the process. The next life must know that it existed,
or it would be missing without a trace. A mark is a small file that holds the number of the
next message. It is made while there is room, because overwriting it takes none (`mark`).

**Lives.** Each life of an agent has a folder of its own and never writes into that of another
one: two processes of one agent, if there ever are, cannot harm each other. A life reads what
earlier ones have left, gives it to the aggregator, and removes it when it has itself lasted
as long as messages are kept: every reader has then had that time to fetch it (`past`).

**Bounds.** An author sets how long and how many bytes messages are kept, with ``spool_time``
and ``spool_size`` of `agg_params` (`limits`). The bounds hold for each feed, in memory and on
the disk, and for all earlier lives together. What is dropped before the aggregator has
fetched it is lost, and becomes a hole in its record.

**Threads.** Everything here happens in the reactor's thread, because a message is only on
its way there once it has been checked.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from ocsd.agent.spool.limits import SpoolLimits
from ocsd.agent.spool.mark import MOST_SPARES, SPARES_AFTER_S, Mark
from ocsd.agent.spool.segment import (
    AppendableSegment,
    FileSegment,
    MemorySegment,
    ReadableSegment,
    packed,
    record,
    unpacked,
)

# Delay after a failure of the disk before it is tried again [s].
DISK_RETRY_S = 5.0
# Largest record: a larger one could not be sent, because the raw socket protocol allows
# messages of 16 MiB at most.
LONGEST_RECORD_BYTES = 2**24 - 2**16


class Witness:
    """Gets reports of where messages are kept; this one ignores them."""

    def in_memory(self, folder: Path | None, error: OSError | None) -> None:
        """Report that messages are kept in memory, and why not in the folder."""

    def on_disk(self, folder: Path) -> None:
        """Report that messages are kept in the folder; called when a file is begun."""

    def not_removed(self, path: Path, error: OSError) -> None:
        """Report that a file of old messages cannot be deleted now, and why."""


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """A message from a spool, the feed's description, and its size when stored [bytes]."""

    number: int
    message: Any
    info: dict[str, Any]
    size_bytes: int

    def pair(self) -> list[Any]:
        """Return ``[message, feed_info]``."""
        return [self.message, {**self.info, "seq": self.number}]


def spooled(segments: Iterable[ReadableSegment], after: int) -> Iterator[SpooledMessage]:
    """Yield the messages from number `after` on."""
    for segment in segments:
        if segment.next > after:
            for number, body in segment.bodies(after):
                try:
                    yield SpooledMessage(number, unpacked(body), segment.info, len(body))
                except ValueError:  # another version of a library has encoded it
                    continue


class Spool:
    """The last messages of one feed, within `limits`; no failure of the disk is raised.

    The folder of its files is made with the first message; None keeps messages in memory.
    `spares` is the folder of the spare folders (`ocsd.agent.spool.mark`), `monotonic` returns
    the monotonic time [s].

    Attributes
    ----------
    next : int
        The number after that of the newest message.
    """

    def __init__(
        self,
        folder: Path | None,
        limits: SpoolLimits,
        monotonic: Callable[[], float],
        witness: Witness | None = None,
        spares: Path | None = None,
    ) -> None:
        self.limits = limits
        self._segment_bytes, self._segment_s = limits.segment_bytes, limits.segment_s
        self.next = 0
        self._folder = folder
        self._mark = None if folder is None else Mark(folder, spares)
        self._spares_due_s = inf
        self._monotonic = monotonic
        self._witness = witness or Witness()
        self._segments: deque[AppendableSegment] = deque()
        self._tail: AppendableSegment | None = None
        # Dropped files that could not be deleted yet. They are not in `_segments`, because
        # they would keep those that follow, which may be in memory, from being dropped.
        self._undeleted: deque[FileSegment] = deque()
        self._retry_at_s: float | None = None

    @property
    def first(self) -> int:
        """Number of the oldest message; as `next` if there is none."""
        return next((segment.first for segment in self._segments), self.next)

    @property
    def size_bytes(self) -> int:
        """Size of all messages together."""
        return sum(segment.size_bytes for segment in self._segments)

    def put(self, number: int, message: Any, info: dict[str, Any]) -> None:
        """Keep a message; see `put_packed`.

        Raises
        ------
        ValueError, TypeError
            If the message cannot be encoded, or is larger than can be sent.
        """
        self.put_packed(number, packed(message), info)

    def put_packed(self, number: int, body: bytes, info: dict[str, Any]) -> None:
        """Keep a message, `packed` into `body`, and drop what is too old or too much.

        Its number is above those before; `info` is the feed's description.

        Raises
        ------
        ValueError
            If the message is larger than can be sent.
        """
        entry = record(number, body)
        if len(entry) > LONGEST_RECORD_BYTES:
            raise ValueError(
                f"it is larger than the {LONGEST_RECORD_BYTES:,} bytes that can be sent"
            )
        now_s = self._monotonic()
        self.next = number + 1
        self.retry()
        tail = self._segment_for(len(entry), number, info, now_s)
        try:
            tail.put(entry, number, now_s)
        except OSError as error:
            self._failed(error, now_s)
            self._drop_tail_if_empty()
            self._begin(MemorySegment(number, info), now_s).put(entry, number, now_s)
        if self._mark is not None and isinstance(self._tail, MemorySegment):
            self._mark.write(self.next)
        elif self._mark is not None and now_s >= self._spares_due_s:
            self._spares_due_s = inf
            self._mark.prepare(info, MOST_SPARES)
        self._trim(now_s)

    def retry(self) -> None:
        """Move messages in memory to the disk, if another try is due."""
        now_s = self._monotonic()
        if self._retry_at_s is not None and now_s >= self._retry_at_s:
            self._move_to_disk(now_s)

    def messages(self, after: int) -> Iterator[SpooledMessage]:
        """Yield the messages from number `after` on; do not call `put` meanwhile."""
        return spooled(self._segments, after)

    def clear(self) -> None:
        """Forget all messages."""
        while self._segments:
            self._drop(self._segments.popleft())
        self._delete_dropped()

    def close(self) -> None:
        """Close the files, and move messages in memory to the disk if there is room now."""
        if any(isinstance(segment, MemorySegment) for segment in self._segments):
            # Now, even if the next try is not due yet: there may be none after this one.
            self._move_to_disk(self._monotonic())
        self._end_tail()

    def _end_tail(self) -> None:
        if self._tail is not None:
            self._tail.close()
        self._tail = None

    def _segment_for(
        self, size_bytes: int, number: int, info: dict[str, Any], now_s: float
    ) -> AppendableSegment:
        tail = self._tail
        if (
            tail is not None
            and tail.size_bytes + size_bytes <= self._segment_bytes
            and now_s - tail.begun_s < self._segment_s
            and tail.info == info
        ):
            return tail
        if self._folder is None:
            self._witness.in_memory(None, None)
        elif self._retry_at_s is None:
            try:
                return self._begin(FileSegment(self._folder, number, info), now_s)
            except OSError as error:
                self._failed(error, now_s)
        return self._begin(MemorySegment(number, info), now_s)

    def _begin(self, segment: AppendableSegment, now_s: float) -> AppendableSegment:
        self._end_tail()
        segment.begun_s = segment.newest_s = now_s
        self._tail = segment
        self._segments.append(segment)
        if isinstance(segment, FileSegment):
            self._prepare_mark(segment.info, now_s)
            self._witness.on_disk(segment.path.parent)
        return segment

    def _prepare_mark(self, info: dict[str, Any], now_s: float) -> None:
        if self._mark is not None:
            self._mark.prepare(info)
            self._spares_due_s = min(self._spares_due_s, now_s + SPARES_AFTER_S)

    def _failed(self, error: OSError, now_s: float) -> None:
        self._retry_at_s = now_s + DISK_RETRY_S
        self._witness.in_memory(self._folder, error)

    def _drop_tail_if_empty(self) -> None:
        tail = self._tail
        if tail is not None and tail.next == tail.first:
            self._segments.pop()
            self._tail = None
            # A file that stays is overwritten, because the next one has the same name. So
            # it must not be deleted later.
            with suppress(OSError):
                tail.remove()

    def _move_to_disk(self, now_s: float) -> None:
        if self._folder is None:
            return
        for place, segment in enumerate(self._segments):
            if not isinstance(segment, MemorySegment):
                continue
            try:
                saved = FileSegment.of(segment, self._folder)
            except OSError as error:
                self._failed(error, now_s)
                return
            self._segments[place] = saved
            if segment is self._tail:
                self._tail = saved
            else:
                saved.close()
        self._retry_at_s = None
        for segment in self._segments:
            self._prepare_mark(segment.info, now_s)
        self._witness.on_disk(self._folder)

    def _trim(self, now_s: float) -> None:
        size_bytes = self.size_bytes
        oldest_s = now_s - self.limits.max_age_s
        while self._segments and (
            size_bytes > self.limits.max_bytes or self._segments[0].newest_s < oldest_s
        ):
            segment = self._segments.popleft()
            size_bytes -= segment.size_bytes
            self._drop(segment)
        self._delete_dropped()

    def _drop(self, segment: AppendableSegment) -> None:
        if segment is self._tail:
            self._tail = None
        segment.close()
        if isinstance(segment, FileSegment):
            self._undeleted.append(segment)

    def _delete_dropped(self) -> None:
        """Delete dropped files; one that cannot be deleted now is left to the next call."""
        while self._undeleted:
            try:
                self._undeleted[0].remove()
            except OSError as error:
                self._witness.not_removed(self._undeleted[0].path, error)
                return
            self._undeleted.popleft()
