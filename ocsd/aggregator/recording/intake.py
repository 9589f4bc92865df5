"""The queue of arrivals for the recording thread: bounded, in order, with the age of the oldest."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias

from ocsd.aggregator.recording.arrivals import Arrival

# Memory for waiting arrivals; when it is used up, new messages are left out.
MOST_BYTES: Final = 128 * 2**20

# Estimated memory of a message: a Python float in a list, and everything around it.
_VALUE_BYTES: Final = 32
_MESSAGE_BYTES: Final = 2000
# A message of unknown shape is refused soon, but it may be large.
_STRANGE_BYTES: Final = 2**17

MOST_TOGETHER: Final = 1000
"""Arrivals that are recorded together at most."""

_Item: TypeAlias = tuple[Arrival, int]

Record: TypeAlias = Callable[[list[Arrival]], None]
"""Records arrivals that wait, in their order."""


class Intake:
    """A queue from the reactor's thread to the recording thread; `monotonic` returns a time [s]."""

    def __init__(
        self, most_bytes: int = MOST_BYTES, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_bytes = most_bytes
        self._monotonic = monotonic
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._put_at_s: deque[float] = deque()
        # Each is written by one thread only, so none needs a lock.
        self._put_bytes = 0
        self._done_bytes = 0

    @property
    def waiting(self) -> int:
        """Number of arrivals that are not recorded yet."""
        return len(self._put_at_s)

    @property
    def size_bytes(self) -> int:
        """Estimated memory of all waiting arrivals [bytes]."""
        return self._put_bytes - self._done_bytes

    @property
    def full(self) -> bool:
        """True if nothing more should be put in."""
        return self.size_bytes >= self._most_bytes

    @property
    def crowded(self) -> bool:
        """True if it is more than half full."""
        return 2 * self.size_bytes > self._most_bytes

    @property
    def lag_s(self) -> float:
        """Age of the oldest waiting arrival [s]; 0 if none waits."""
        try:
            return self._monotonic() - self._put_at_s[0]
        except IndexError:
            return 0.0

    def put(self, arrival: Arrival, size_bytes: int = 0) -> None:
        """Append an arrival, even if the queue is full (reactor thread)."""
        self._put_bytes += size_bytes
        self._put_at_s.append(self._monotonic())
        self._queue.put((arrival, size_bytes))

    def wake(self) -> None:
        """Make `work` return after everything that was put in before."""
        self._queue.put(None)

    def work(self, record: Record, seconds: float) -> None:
        """Record arrivals, in order, for some time (recording thread)."""
        end_s = self._monotonic() + seconds
        while (left_s := end_s - self._monotonic()) > 0:
            try:
                item = self._queue.get(timeout=left_s)
            except Empty:
                return
            if item is None or not self._record_from(item, record):
                return

    def finish(self, record: Record) -> None:
        """Record everything that waits at this moment (recording thread)."""
        for _ in range(self._queue.qsize()):
            item = self._queue.get()
            if item is not None:
                self._record([item], record)

    def clear(self) -> None:
        """Drop everything that waits (recording thread)."""
        self.finish(lambda _arrival: None)

    def _record_from(self, item: _Item, record: Record) -> bool:
        """Record an arrival and those that wait behind it; False if `wake` was called."""
        items = [item]
        is_woken = False
        with suppress(Empty):
            while len(items) < MOST_TOGETHER:
                following = self._queue.get_nowait()
                if following is None:
                    is_woken = True
                    break
                items.append(following)
        self._record(items, record)
        return not is_woken

    def _record(self, items: list[_Item], record: Record) -> None:
        try:
            record([arrival for arrival, _ in items])
        finally:
            for _, size_bytes in items:
                self._put_at_s.popleft()
                self._done_bytes += size_bytes


def size_of(message: Any) -> int:
    """Return the estimated memory of a message [bytes]; never raises."""
    size_bytes = _MESSAGE_BYTES
    try:
        for block in message.values():
            columns = block["data"].values()
            length = len(block["timestamps"])
            size_bytes += _VALUE_BYTES * length * (1 + len(columns))
            for values in columns:
                if length and type(values[0]) is str:
                    size_bytes += len(values[0]) * length
    except Exception:  # noqa: BLE001 # the recorder reports the fault of the message
        return _STRANGE_BYTES
    return size_bytes
