"""Events on their way to a router: each once, in order, kept until the router has them.

The router works in order, so the answer to a call proves that it has every event that was sent
before. What it has not confirmed is sent again after a break. Memory is bounded; beyond that the
oldest event that was not sent yet is dropped, and counted.
"""

from collections import deque
from typing import Any, Final, NamedTuple

MOST_WAITING_EVENTS: Final = 100_000
BRIDGE_MOST_BYTES: Final = 2**26
"""Events that wait for a router, at most, and the size of their messages [bytes]."""
WINDOW_EVENTS: Final = 1000
WINDOW_BYTES: Final = 2**23
"""Events that are sent before the router has confirmed any of them, and their size [bytes]: what
is beyond them waits here, not in the buffers of a link that stands still."""
REMEMBERED: Final = 4096
"""Publications that are remembered: a router sends an event once for each subscription that
matches."""


class WaitingEvent(NamedTuple):
    """An event, as it goes from one router to the other."""

    number: int
    """Its place in the order, from 1."""
    size_bytes: int
    topic: str
    args: Any
    kwargs: Any
    sender: Any = None
    """Its publisher, as the router tells; None if it does not."""


class WaitingEvents:
    """The events that go from one router to the other.

    Attributes
    ----------
    dropped : int
        Events that were given up since the start, because too many waited or the message was
        too large.
    size_bytes : int
        Size of the events that wait.
    """

    def __init__(
        self, most_events: int = MOST_WAITING_EVENTS, most_bytes: int = BRIDGE_MOST_BYTES
    ) -> None:
        self.dropped = 0
        self.size_bytes = 0
        self._most_events, self._most_bytes = most_events, most_bytes
        self._number = 0
        self._new: deque[WaitingEvent] = deque()
        self._sent: deque[WaitingEvent] = deque()
        self._sent_bytes = 0
        self._seen: set[int] = set()
        self._order: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._new) + len(self._sent)

    def add(
        self, publication: int, topic: str, args: Any, kwargs: Any, size_bytes: int, sender: Any
    ) -> None:
        """Take an event, unless its publication came already over another subscription."""
        if publication in self._seen:
            return
        self._seen.add(publication)
        self._order.append(publication)
        if len(self._order) > REMEMBERED:
            self._seen.discard(self._order.popleft())
        self._number += 1
        self._new.append(WaitingEvent(self._number, size_bytes, topic, args, kwargs, sender))
        self.size_bytes += size_bytes
        # What was sent had room, so there is something new to drop.
        while len(self) > self._most_events or self.size_bytes > self._most_bytes:
            self.size_bytes -= self._new.popleft().size_bytes
            self.dropped += 1

    def next(self) -> WaitingEvent | None:
        """Return the next event to send, which then counts as sent; None if none may be sent."""
        is_full = len(self._sent) >= WINDOW_EVENTS or self._sent_bytes >= WINDOW_BYTES
        if not self._new or is_full:
            return None
        event = self._new.popleft()
        self._sent.append(event)
        self._sent_bytes += event.size_bytes
        return event

    @property
    def unconfirmed(self) -> int:
        """Number of events that are sent and not confirmed."""
        return len(self._sent)

    @property
    def last_sent(self) -> int:
        """The number of the event that was sent last; 0 if none is unconfirmed."""
        return self._sent[-1].number if self._sent else 0

    def confirmed(self, number: int) -> None:
        """Forget the events up to a number: the router has them."""
        while self._sent and self._sent[0].number <= number:
            gone = self._sent.popleft()
            self._sent_bytes -= gone.size_bytes
            self.size_bytes -= gone.size_bytes

    def refused(self, event: WaitingEvent) -> None:
        """Give up an event that was to be sent last and fits into no message."""
        self._sent.pop()
        self._sent_bytes -= event.size_bytes
        self.size_bytes -= event.size_bytes
        self.dropped += 1

    def again(self) -> None:
        """Send what is not confirmed once more, in the same order: the link was lost."""
        self._new.extendleft(reversed(self._sent))
        self._sent.clear()
        self._sent_bytes = 0
