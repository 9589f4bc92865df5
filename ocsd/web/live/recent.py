"""The last messages of all feeds, packed as they came, in bounded memory."""

import struct
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from ocsd.journal.format import Message
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.web.live.latest import NewestBlock

KEPT_RECENT_S: Final = 600.0
"""Messages are kept for this long after their arrival [s], if there is room."""

RECENT_BYTES: Final = 96 * 2**20
"""Memory for them."""

# Estimated memory of a packed block beside its content.
_OVERHEAD_BYTES: Final = 300

# Blocks of feeds that are remembered; the ones that came up first are forgotten.
_MOST_TRACKS: Final = 20_000

MOST_FORMER_IN_ALL: Final = 200_000
"""Values of fields that have no samples any more, in all; about 80 MB."""

_TIME: Final = struct.Struct("=d")


class Kept(NamedTuple):
    """A block of a message."""

    order: int
    """Its place in the order in which blocks came."""
    arrived_at: float
    packed: PackedBlock

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        return len(self.packed.content) + _OVERHEAD_BYTES


@dataclass(slots=True, eq=False)
class Track:
    """One block of one feed, over all lives of its agent."""

    address: str
    block_name: str
    newest: NewestBlock = field(default_factory=NewestBlock)
    """Its newest values."""
    dropped_order: int = -1
    """Order of the last block that is not kept any more."""
    dropped_until: float = float("-inf")
    """Newest time of the samples that are not kept any more [s, Unix time]."""
    _kept: deque[Kept] = field(default_factory=deque)

    def add(self, kept: Kept) -> None:
        """Append a block."""
        self._kept.append(kept)
        packed = kept.packed
        (last_at,) = _TIME.unpack_from(packed.content, 8 * packed.length - 8)
        self.newest.take(packed, last_at)

    def drop(self) -> None:
        """Forget the oldest block."""
        order, _, packed = self._kept.popleft()
        self.newest.let_go(packed)
        self.dropped_order = order
        latest = float(np.frombuffer(packed.content, count=packed.length).max())
        self.dropped_until = max(self.dropped_until, latest)

    def since(self, order: int) -> list[PackedBlock]:
        """Return the blocks that came at `order` or later."""
        found = []
        for kept in reversed(self._kept):
            if kept.order < order:
                break
            found.append(kept.packed)
        return found[::-1]


class RecentBlocks:
    """The last messages of all feeds.

    Attributes
    ----------
    order : int
        That of the next block.
    """

    def __init__(self, kept_s: float = KEPT_RECENT_S, most_bytes: int = RECENT_BYTES) -> None:
        self._kept_s = kept_s
        self._most_bytes = most_bytes
        self.order = 0
        self._tracks: dict[tuple[str, str], Track] = {}
        self._by_address: dict[str, list[Track]] = defaultdict(list)
        self._by_layout: dict[Layout, Track] = {}
        self._all: deque[tuple[Track, Kept]] = deque()
        self._bytes = 0
        self._former = 0

    @property
    def arrived_at(self) -> float:
        """Arrival of the last message that is kept [s, Unix time]; -inf if there is none."""
        if self._all:
            return self._all[-1][1].arrived_at
        return float("-inf")

    def forget(self) -> None:
        """Forget all messages; the newest values stay."""
        while self._all:
            self._drop()

    def add(self, message: Message) -> None:
        """Take in a message."""
        for packed in message.blocks:
            if packed.length:
                kept = Kept(self.order, message.arrived_at, packed)
                self.order += 1
                track = self._by_layout.get(packed.layout) or self._track_of(packed.layout)
                before = track.newest.former
                track.add(kept)
                self._count_former(track.newest.former - before)
                self._all.append((track, kept))
                self._bytes += kept.size_bytes
        self._trim(message.arrived_at - self._kept_s)

    def of(self, address: str) -> list[Track]:
        """Return the blocks of a feed."""
        return self._by_address.get(address, [])

    def tracks(self) -> Iterator[Track]:
        """Yield the blocks of all feeds."""
        yield from self._tracks.values()

    def _trim(self, until_at: float) -> None:
        while self._bytes > self._most_bytes or self._oldest_at() < until_at:
            self._drop()

    def _oldest_at(self) -> float:
        if self._all:
            return self._all[0][1].arrived_at
        return float("inf")

    def _drop(self) -> None:
        track, kept = self._all.popleft()
        before = track.newest.former
        track.drop()
        self._count_former(track.newest.former - before)
        self._bytes -= kept.size_bytes

    def _count_former(self, more: int) -> None:
        """Count former values; if they are too many, those of the block that has most are lost."""
        self._former += more
        if self._former <= MOST_FORMER_IN_ALL:
            return
        # Those of blocks that were forgotten meanwhile are counted no more.
        newest = sorted((track.newest for track in self._tracks.values()), key=_former_of)
        self._former = sum(map(_former_of, newest))
        while self._former > MOST_FORMER_IN_ALL:
            most = newest.pop()
            self._former -= most.former
            most.forget_former()

    def _track_of(self, layout: Layout) -> Track:
        """Return the track of a layout that was not seen in this segment of the journal."""
        key = layout.origin.address, layout.block_name
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track(*key)
            self._by_address[track.address].append(track)
            if len(self._tracks) > _MOST_TRACKS:
                self._forget_track(next(iter(self._tracks)))
        if len(self._by_layout) > _MOST_TRACKS:
            self._by_layout.clear()
        self._by_layout[layout] = track
        return track

    def _forget_track(self, key: tuple[str, str]) -> None:
        track = self._tracks.pop(key)
        self._by_layout.clear()
        tracks = self._by_address[track.address]
        tracks.remove(track)
        if not tracks:
            del self._by_address[track.address]


def _former_of(newest: NewestBlock) -> int:
    return newest.former
