"""What an agent keeps of one feed, within bounds, for those who missed it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ocsd.agent.spool.limits import SpoolLimits
from ocsd.agent.spool.mark import Mark
from ocsd.agent.spool.segment import FileSegment, MemorySegment, Segment, packed, record, unpacked

# How long after a failure the disk is left alone [s].
DISK_RETRY_S = 5.0
# What is larger could be neither sent nor given to who asks for it (16 MiB is what a
# message of the raw socket protocol may have).
LONGEST_RECORD_BYTES = 2**24 - 2**16


class Witness(Protocol):
    """Who is told where messages are kept."""

    def in_memory(self, folder: Path | None, error: OSError | None) -> None:
        """Note that messages are kept in memory, and why not in the folder."""

    def on_disk(self, folder: Path) -> None:
        """Note that messages are kept in the folder; called when a file is begun."""

    def not_removed(self, path: Path, error: OSError) -> None:
        """Note that a file of old messages cannot be deleted now, and why."""


class Unnoticed:
    """A witness who does not care."""

    def in_memory(self, folder: Path | None, error: OSError | None) -> None:
        """Ignore it."""

    def on_disk(self, folder: Path) -> None:
        """Ignore it."""

    def not_removed(self, path: Path, error: OSError) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class SpooledMessage:
    """A message that was kept.

    Parameters
    ----------
    number : int
        Its number.
    message
        The message.
    info : dict
        The feed's description, without the number.
    size_bytes : int
        How large it was when stored.
    """

    number: int
    message: Any
    info: dict[str, Any]
    size_bytes: int

    def pair(self) -> list[Any]:
        """Return ``[message, feed_info]``."""
        return [self.message, {**self.info, "seq": self.number}]


def kept(segments: Iterable[Segment], after: int) -> Iterator[SpooledMessage]:
    """Yield the messages from number `after` on."""
    for segment in segments:
        if segment.next > after:
            for number, body in segment.bodies(after):
                try:
                    yield SpooledMessage(number, unpacked(body), segment.info, len(body))
                except ValueError:  # of a library that encoded it otherwise
                    continue


class Spool:
    """The last messages of one feed.

    They are on disk as soon as `put` returns, as far as the operating system is
    concerned. While that is not possible they are in memory, within the same
    bounds, and move to the disk when it is possible again. No failure of the disk
    is raised.

    Parameters
    ----------
    folder : Path, optional
        Where to keep them; is made with the first message. None for in memory only.
    limits : Limits
        How much to keep.
    monotonic : callable
        Returns the monotonic time [s].
    witness : Witness
        Is told where the messages are.
    spares : Path, optional
        Where folders for lives without room are (`ocsd.agent.spool.mark`).

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
        self.next = 0
        self._folder = folder
        self._mark = None if folder is None else Mark(folder, spares)
        self._monotonic = monotonic
        self._witness = witness or Unnoticed()
        self._segments: deque[Segment] = deque()
        self._tail: Segment | None = None
        # Dropped files that could not be deleted yet. They are not in `_segments`, for one
        # that cannot go must not keep what follows it, which may be in memory.
        self._undeleted: deque[FileSegment] = deque()
        self._retry_at_s: float | None = None

    @property
    def first(self) -> int:
        """Number of the oldest message; as `next` if there is none."""
        return self._segments[0].first if self._segments else self.next

    @property
    def size_bytes(self) -> int:
        """How large all messages are together."""
        return sum(segment.size_bytes for segment in self._segments)

    def put(self, number: int, message: Any, info: dict[str, Any]) -> None:
        """Keep a message and drop what is too old or too much.

        Parameters
        ----------
        number : int
            Its number, above those before.
        message
            The message.
        info : dict
            The feed's description.

        Raises
        ------
        ValueError, TypeError
            If the message cannot be encoded, or is too large to be sent.
        """
        entry = record(number, packed(message))
        if len(entry) > LONGEST_RECORD_BYTES:
            raise ValueError(
                f"it is larger than the {LONGEST_RECORD_BYTES:,} bytes that can be sent"
            )
        now_s = self._monotonic()
        self.next = number + 1
        if self._retry_at_s is not None and now_s >= self._retry_at_s:
            self._move_to_disk(now_s)
        tail = self._segment_for(len(entry), number, info, now_s)
        try:
            tail.put(entry, number, now_s)
        except OSError as error:
            self._failed(error, now_s)
            self._drop_tail_if_empty()
            self._begin(MemorySegment(number, info), now_s).put(entry, number, now_s)
        if self._mark is not None and isinstance(self._tail, MemorySegment):
            self._mark.note(self.next)
        self._trim(now_s)

    def messages(self, after: int) -> Iterator[SpooledMessage]:
        """Yield the messages from number `after` on; put none meanwhile."""
        return kept(self._segments, after)

    def clear(self) -> None:
        """Forget all messages."""
        while self._segments:
            self._drop(self._segments.popleft())
        self._delete_dropped()

    def close(self) -> None:
        """Leave everything complete, and on the disk if there is room by now."""
        if any(isinstance(segment, MemorySegment) for segment in self._segments):
            # Without regard to when the next try is due: there may be none after this.
            self._move_to_disk(self._monotonic())
        self._end_tail()

    def _end_tail(self) -> None:
        if self._tail is not None:
            self._tail.close()
        self._tail = None

    def _segment_for(
        self, size_bytes: int, number: int, info: dict[str, Any], now_s: float
    ) -> Segment:
        tail, limits = self._tail, self.limits
        if (
            tail is not None
            and tail.size_bytes + size_bytes <= limits.segment_bytes
            and now_s - tail.begun_s < limits.segment_s
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

    def _begin(self, segment: Segment, now_s: float) -> Segment:
        self._end_tail()
        segment.begun_s = segment.newest_s = now_s
        self._tail = segment
        self._segments.append(segment)
        if isinstance(segment, FileSegment):
            self._prepare_mark(segment.info)
            self._witness.on_disk(segment.path.parent)
        return segment

    def _prepare_mark(self, info: dict[str, Any]) -> None:
        if self._mark is not None:
            self._mark.prepare(info)

    def _failed(self, error: OSError, now_s: float) -> None:
        self._retry_at_s = now_s + DISK_RETRY_S
        self._witness.in_memory(self._folder, error)

    def _drop_tail_if_empty(self) -> None:
        tail = self._tail
        if tail is not None and tail.next == tail.first:
            self._segments.pop()
            self._tail = None
            # If it stays it is overwritten: the next file has the same name. So it must
            # not be deleted later, either.
            with suppress(OSError):
                tail.remove()

    def _move_to_disk(self, now_s: float) -> None:
        for place, segment in enumerate(self._segments):
            if isinstance(segment, MemorySegment) and self._folder is not None:
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
        if self._folder is not None:
            for segment in self._segments:
                self._prepare_mark(segment.info)
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

    def _drop(self, segment: Segment) -> None:
        if segment is self._tail:
            self._tail = None
        segment.close()
        if isinstance(segment, FileSegment):
            self._undeleted.append(segment)

    def _delete_dropped(self) -> None:
        """Delete what was dropped; what cannot be deleted now is left to the next call."""
        while self._undeleted:
            try:
                self._undeleted[0].remove()
            except OSError as error:
                self._witness.not_removed(self._undeleted[0].path, error)
                return
            self._undeleted.popleft()
