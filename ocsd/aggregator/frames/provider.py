"""A provider: one feed in one life of its agent, with its packed blocks that wait for a frame."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple

from ocsd.aggregator.incoming.columns import MisfitError, kind_of, wider
from ocsd.aggregator.incoming.message import CheckedBlock, check_field_names
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.packing import PackingLayout, bad_field
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import PackedBlock, Tags
from ocsd.journal.origin import Origin
from ocsd.journal.ranges import Ranges

# Estimated memory of a packed block beside its content.
_BLOCK_OVERHEAD_BYTES: Final = 120

_by_number: Final = itemgetter(0)

# Blocks and the types of their fields stay in memory. A sender that makes up new names
# all the time gets a new provider now and then, and the old one goes.
MOST_BLOCKS: Final = 1000

# A frame is split at this many places at most. Late messages for further gaps are recorded
# all the same, but not in the order of time.
MOST_SPLITS: Final = 100


class FrameBlock(NamedTuple):
    """Packed blocks of one name for one frame, and the numbers of their messages."""

    kinds: Mapping[str, Kind]
    blocks: Sequence[PackedBlock]
    numbers: Ranges

    @property
    def times(self) -> list[float]:
        """Unix times of all samples [s], in the order of arrival."""
        return [
            at
            for packed in self.blocks
            for at in memoryview(packed.content)[: 8 * packed.length].cast("d")
        ]


@dataclass(slots=True, eq=False)
class BlockBuffer:
    """Packed blocks of one name that wait for a frame."""

    layout: PackingLayout
    """Packs new blocks; replaced when a field becomes wider."""
    blocks: list[PackedBlock] = field(default_factory=list)
    """The waiting blocks, in the order of arrival."""
    order: list[int] = field(default_factory=list)
    """The number of each one's message."""
    numbers: Ranges = field(default_factory=Ranges)
    """All of these."""

    def widen(self, kinds: Mapping[str, Kind]) -> bool:
        """Make room for values of these types; False, with nothing changed, if that cannot be."""
        own = self.layout.kinds
        if own.keys() != kinds.keys():
            return False
        wanted = {name: wider(kind, kinds[name]) for name, kind in own.items()}
        if wanted == own:
            return True
        if None in wanted.values():
            return False
        widened = {name: kind for name, kind in wanted.items() if kind is not None}
        old = self.layout
        self.layout = PackingLayout(old.origin, old.block_name, widened, old.tags)
        return True

    def clear(self) -> None:
        """Forget the waiting blocks, which have been written."""
        self.blocks, self.order, self.numbers = [], [], Ranges()

    def between(self, splits: Sequence[int]) -> dict[int, FrameBlock]:
        """Return the waiting blocks between each two of `splits`, in the order of number.

        They come by place: 0 before the first split, and so on; only places with blocks.
        """
        if not splits:
            return {0: FrameBlock(self.layout.kinds, self.blocks, self.numbers)}
        parts: defaultdict[int, tuple[list[PackedBlock], Ranges]]
        parts = defaultdict(lambda: ([], Ranges()))
        for number, packed in sorted(zip(self.order, self.blocks, strict=True), key=_by_number):
            blocks, numbers = parts[bisect_right(splits, number)]
            blocks.append(packed)
            numbers.add(number, number + 1)
        return {place: FrameBlock(self.layout.kinds, *part) for place, part in parts.items()}


@dataclass(slots=True, eq=False)
class Provider:
    """One feed in one life of its agent; each of its blocks has a fixed set of fields."""

    prov_id: int
    """Number of the provider in the files. It changes when the types of the fields or their
    `influxdb_tags` do, or when samples are older than those of its last frame.
    """
    origin: Origin
    """The sender, as its first message described it."""
    started: Instant
    """The time of its first message."""
    numbering: Numbering
    """The numbers of its source."""
    newest_ticks: dict[str, int] = field(default_factory=dict)
    """Time of the last sample of each block that was written under this number [G3 ticks]."""
    written_kinds: dict[str, Mapping[str, Kind]] = field(default_factory=dict)
    """Types of the fields of each block that was written under this number."""
    retired: bool = False
    last_block: str | None = None
    blocks: dict[str, BlockBuffer] = field(default_factory=dict)
    buffered_bytes: int = 0
    oldest_segment: int | None = None
    """The segment of the journal with the first of the waiting blocks."""
    refreshed: Instant = field(init=False)
    _oldest_s: float = 0.0

    def __post_init__(self) -> None:
        self.refreshed = self.started

    def fit(self, block: CheckedBlock) -> tuple[BlockBuffer, bytes] | None:
        """Pack a block for the buffer that it belongs to; `take` it afterwards.

        Returns
        -------
        (BlockBuffer, bytes) or None
            None if this provider has that block with other fields, types or
            `influxdb_tags`, or has too many blocks for another one.

        Raises
        ------
        RefusedError
            If no provider can take it.
        """
        buffer = self.blocks.get(block.block_name)
        if buffer is not None and not self.retired:
            if buffer.layout.kinds.keys() != block.columns.keys():
                return None
            if buffer.layout.tags != block.tags:
                return None
            try:
                return buffer, buffer.layout.pack(block)
            except MisfitError:
                pass  # The buffer may be widened.
        if buffer is None:
            check_field_names(block.block_name, list(block.columns))
        buffer = self.room_for(block.block_name, kinds_of(block), block.tags)
        if buffer is None:
            return None
        return buffer, buffer.layout.pack(block)

    def room_for(
        self, name: str, kinds: Mapping[str, Kind], tags: Tags | None = None
    ) -> BlockBuffer | None:
        """Return the buffer for values of these types and tags, widened or made if need be.

        A new provider has room for any. A buffer that is made belongs to the provider
        once it has taken a block.
        """
        if self.retired:
            return None
        buffer = self.blocks.get(name)
        if buffer is not None and buffer.layout.tags == tags and buffer.widen(kinds):
            return buffer
        if buffer is not None or len(self.blocks) >= MOST_BLOCKS:
            return None
        return BlockBuffer(PackingLayout(self.origin, name, kinds, tags))

    def take(
        self, buffer: BlockBuffer, packed: PackedBlock, number: int, segment: int, now: Instant
    ) -> None:
        """Append a packed block to the buffer that `fit` or `room_for` returned.

        It came in the message of that number and is in that segment of the journal.
        """
        name = packed.layout.block_name
        if self.oldest_segment is None:
            self.oldest_segment, self._oldest_s = segment, now.mono_s
        self.oldest_segment = min(self.oldest_segment, segment)
        self.blocks[name] = buffer
        buffer.blocks.append(packed)
        buffer.order.append(number)
        buffer.numbers.add(number, number + 1)
        self.last_block = name
        self.refreshed = now
        self.buffered_bytes += len(packed.content) + _BLOCK_OVERHEAD_BYTES

    def take_lot(
        self,
        buffer: BlockBuffer,
        blocks: Sequence[PackedBlock],
        numbers: Sequence[int],
        segment: int,
        now: Instant,
    ) -> None:
        """Append packed blocks as `take` does, of the messages of those numbers; at least one."""
        self.take(buffer, blocks[0], numbers[0], segment, now)
        if len(blocks) == 1:
            return
        buffer.blocks += blocks[1:]
        buffer.order += numbers[1:]
        first, *rest = numbers
        if rest and rest[-1] - first == len(rest):  # without a gap, nearly always
            buffer.numbers.add(first + 1, rest[-1] + 1)
        else:
            for number in rest:
                buffer.numbers.add(number, number + 1)
        content_bytes = sum(len(packed.content) for packed in blocks[1:])
        self.buffered_bytes += content_bytes + _BLOCK_OVERHEAD_BYTES * (len(blocks) - 1)

    @property
    def empty(self) -> bool:
        """True if nothing waits for a frame."""
        return self.oldest_segment is None

    def frame_due(self, now: Instant) -> bool:
        """Return whether the oldest block has waited long enough since it arrived.

        The age of the timestamps does not count: otherwise an agent that catches up
        would cause a frame for every message.
        """
        return not self.empty and now.mono_s - self._oldest_s >= self.origin.frame_length_s

    def stale(self, now: Instant) -> bool:
        """Return whether the feed has been silent for its `fresh_time`."""
        return now.mono_s - self.refreshed.mono_s > self.origin.fresh_time_s

    def frames(self) -> list[dict[str, FrameBlock]]:
        """Return the waiting blocks by name, for each frame that they need."""
        waiting = {name: buffer for name, buffer in self.blocks.items() if buffer.blocks}
        splits: list[int] = []
        if self.origin.numbered:
            numbers = [buffer.numbers.bounds for buffer in waiting.values()]
            first, end = min(bounds[0] for bounds in numbers), max(bounds[-1] for bounds in numbers)
            splits = self.numbering.splits(first, end - 1)[:MOST_SPLITS]
        frames: dict[int, dict[str, FrameBlock]] = {}
        for name, buffer in waiting.items():
            for place, block in buffer.between(splits).items():
                frames.setdefault(place, {})[name] = block
        return [frames[place] for place in sorted(frames)]

    def clear(self) -> None:
        """Forget the waiting blocks, which have been written."""
        for buffer in self.blocks.values():
            for first, end in buffer.numbers:
                self.numbering.framed.add(first, end)
            buffer.clear()
        self.buffered_bytes = 0
        self.oldest_segment = None

    def encoded(self, now: Instant) -> dict[str, Any]:
        """Return the provider as OCS shows it in session.data."""
        return {
            "last_refresh": self.refreshed.at,
            "sessid": self.origin.session_id,
            "stale": self.stale(now),
            "last_block_received": self.last_block,
        }


def kinds_of(block: CheckedBlock) -> dict[str, Kind]:
    """Return the type that each field of `block` needs.

    Raises
    ------
    RefusedError
        If a field has values of no common type.
    """
    kinds = {}
    for name, values in block.columns.items():
        try:
            kinds[name] = kind_of(values)
        except ValueError as error:
            raise bad_field(block.block_name, name, error) from error
    return kinds
