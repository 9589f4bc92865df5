"""The count of what came from each feed."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ocsd.journal.format import Message

# A sender may make up ever new names.
_MOST_TALLIES: Final = 20_000

_STAMP: Final = struct.Struct("=d")


@dataclass(slots=True)
class FeedTally:
    """The messages of a feed that were read from the journal."""

    messages: int = 0
    samples: int = 0
    """Over all blocks: each timestamp is one."""
    values: int = 0
    newest_at: float = float("-inf")
    """Time of the newest sample [s, Unix time]; -inf if none came."""


class Tallies:
    """Counts messages, samples and values of each feed."""

    def __init__(self) -> None:
        self._feeds: dict[str, FeedTally] = {}

    @property
    def feeds(self) -> Mapping[str, FeedTally]:
        """The counts by the address of the feed."""
        return self._feeds

    def add(self, message: Message) -> None:
        """Count a message."""
        blocks = message.blocks
        if not blocks:
            return
        tally = self._of(blocks[0].layout.origin.address)
        tally.messages += 1
        for packed in blocks:
            if packed.length:
                tally.samples += packed.length
                tally.values += packed.length * len(packed.layout.kinds)
                (last_at,) = _STAMP.unpack_from(packed.content, 8 * packed.length - 8)
                # None is newer than its arrival: else a clock ahead is believed for ever.
                tally.newest_at = max(tally.newest_at, min(last_at, message.arrived_at))

    def _of(self, address: str) -> FeedTally:
        tally = self._feeds.get(address)
        if tally is None:
            tally = self._feeds[address] = FeedTally()
            while len(self._feeds) > _MOST_TALLIES:
                del self._feeds[next(iter(self._feeds))]
        return tally
