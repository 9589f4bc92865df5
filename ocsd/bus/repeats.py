"""Events that are like an earlier one but for their numbers: recognised without being decoded.

Most heartbeats say what the one before said. A router adds the number of the publication near the
beginning of an event, an agent at its end those of its feeds and of the message
(`ocsd.agent.feeds.heartbeat`).
"""

from collections.abc import Callable
from typing import Final

_EVENT: Final = bytes((0x85, 0x18, 0x24))
"""The beginning of an event in CBOR: an array of five, and the kind of message."""

_NUMBER_BYTES: Final = {24: 2, 25: 3, 26: 5, 27: 9}
"""Size of a number of CBOR by its first byte; smaller numbers are that byte [bytes]."""

_SHORTEST_HEARTBEAT_BYTES: Final = 40
"""No heartbeat is shorter."""

_SEQ_KEY: Final = b"\x63seq"
"""The key before the number of a message, which is the last of its description."""

_FEEDS_KEY: Final = b"\x65feeds"
"""The key before the numbers of an agent's feeds, near the end of a heartbeat's description."""

_SENDER_KEY: Final = b"\x6dagent_address"
"""A key of that description, which all have: before it are the codes of the operations."""

_LAST: Final = (-3, -5, -2, -1, -9)
"""Places where that number may begin."""


class RepeatedEvents:
    """The latest events of one connection, and what to do when they come again."""

    def __init__(self) -> None:
        self._payload = b""
        self._again: dict[bytes, Callable[[], bool]] = {}
        self._latest: dict[str, bytes] = {}

    def take(self, payload: bytes) -> bool:
        """Take an event that repeats another; return whether it did, and all is done."""
        # Most programs ask for nothing, and get large messages.
        again = self._again.get(_without_numbers(payload) or b"") if self._again else None
        taken = again is not None and again()
        self._payload = b"" if taken else payload
        return taken

    def done(self) -> None:
        """Note that the handlers of an event that was not taken have been called."""
        self._payload = b""

    def remember(self, sender: str, again: Callable[[], bool]) -> None:
        """Call `again` when the event that is being handled comes again.

        Parameters
        ----------
        sender : str
            Whose event it is: only the latest of each sender is remembered.
        again : callable
            Does what the handler would do; returns False if that has to do it.
        """
        present = _without_numbers(self._payload)
        if present is None:
            return
        self._again.pop(self._latest.get(sender, b""), None)
        self._latest[sender] = present
        self._again[present] = again


def _without_numbers(payload: bytes) -> bytes | None:
    """Return an event without the numbers of publication and message; None if it is none."""
    if not payload.startswith(_EVENT) or len(payload) < _SHORTEST_HEARTBEAT_BYTES:
        return None
    subscription_end = number_end(payload, len(_EVENT))
    begin = number_end(payload, subscription_end)
    # An operation may be called "feeds" as well, and the codes of others may follow it.
    end: int | None = payload.rfind(_FEEDS_KEY, max(0, payload.rfind(_SENDER_KEY)))
    if end == -1:
        # The published OCS has no number there.
        end = next((place for place in _LAST if payload.endswith(_SEQ_KEY, 0, place)), None)
    return payload[len(_EVENT) : subscription_end] + payload[begin:end]


def number_end(payload: bytes, begin: int) -> int:
    """Return the end of the number of CBOR that begins at a place."""
    return begin + _NUMBER_BYTES.get(payload[begin], 1)
