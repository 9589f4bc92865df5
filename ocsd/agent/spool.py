"""Keeping what could not be sent, within bounds."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

MAX_AGE_S = 600.0
MAX_BYTES = 64 * 2**20


@dataclass(slots=True)
class Spool:
    """A queue that drops its oldest items when it gets too old or too large.

    Parameters
    ----------
    max_age_s : float
        Items older than this are dropped [s].
    max_bytes : int
        While the items are larger than this together, the oldest is dropped.

    Attributes
    ----------
    dropped : int
        How many items were dropped since the spool was made.
    """

    max_age_s: float = MAX_AGE_S
    max_bytes: int = MAX_BYTES
    dropped: int = 0
    _items: deque[tuple[float, int, Any]] = field(default_factory=deque)
    _bytes: int = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Any, size_bytes: int, now_s: float) -> None:
        """Add an item behind the others."""
        self._items.append((now_s, size_bytes, item))
        self._bytes += size_bytes
        while self._items and (
            self._bytes > self.max_bytes or self._items[0][0] < now_s - self.max_age_s
        ):
            self.take()
            self.dropped += 1

    def first(self) -> Any:
        """Return the oldest item and keep it."""
        return self._items[0][2]

    def take(self) -> Any:
        """Return the oldest item and remove it."""
        _, size_bytes, item = self._items.popleft()
        self._bytes -= size_bytes
        return item
