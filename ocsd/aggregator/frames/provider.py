"""The samples of one feed that wait for their frame."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

from ocsd.aggregator.incoming.columns import Kind, MisfitError, kind_of, wider
from ocsd.aggregator.incoming.layout import Layout, PackedBlock, bad_field
from ocsd.aggregator.incoming.message import CheckedBlock, Origin, check_field_names
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.numbers.ranges import Ranges

# What a chunk takes in memory beside its bytes, about.
_BLOCK_OVERHEAD_BYTES: Final = 120

_first: Final = itemgetter(0)


# Blocks and what is remembered of their fields stay in memory. Who makes up new names
# all the time gets a new provider now and then, and the old one goes.
MOST_BLOCKS: Final = 1000

# A frame is split at so many places at most: what is still missing in a frame with
# more holes than that will be found, but not in the order of time.
MOST_PARTS: Final = 100


class Numbers(Protocol):
    """What a provider has to know of the numbers of its messages."""

    @property
    def framed(self) -> Ranges:
        """What is in frames."""
        ...

    def splits(self, first: int, last: int) -> list[int]:
        """Return where a frame of messages from `first` to `last` must be split."""
        ...


class FrameBlock(NamedTuple):
    """The samples of a block that go into one frame, and the numbers of their messages."""

    kinds: Mapping[str, Kind]
    blocks: Sequence[PackedBlock]
    numbers: Ranges

    @property
    def times(self) -> list[float]:
        """Unix times of all samples [s], in the order of arrival."""
        return [
            at
            for packed in self.blocks
            for at in memoryview(packed.packed)[: 8 * packed.length].cast("d")
        ]


class BlockBuffer:
    """Samples of co-sampled fields.

    Parameters
    ----------
    layout : Layout
        How new samples are packed.

    Attributes
    ----------
    layout : Layout
        The same; changes when a field becomes wider.
    chunks : list of Chunk
        What waits for its frame, in the order of arrival.
    order : list of int
        Number of the message that each chunk came from.
    numbers : Ranges
        All of these.
    framed : bool
        True once a frame with this block was written: readers take the types of
        the first frame for the whole provider, so they are fixed from then on.
    """

    __slots__ = ("blocks", "framed", "layout", "numbers", "order")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.blocks: list[PackedBlock] = []
        self.order: list[int] = []
        self.numbers = Ranges()
        self.framed = False

    def widen(self, kinds: Mapping[str, Kind]) -> bool:
        """Make room for values of these types.

        Returns
        -------
        bool
            False if this block cannot hold them; then nothing has changed.
        """
        own = self.layout.kinds
        if own.keys() != kinds.keys():
            return False
        wanted = {name: wider(kind, kinds[name]) for name, kind in own.items()}
        if wanted == own:
            return True
        if self.framed or None in wanted.values():
            return False
        widened = {name: kind for name, kind in wanted.items() if kind is not None}
        self.layout = Layout(self.layout.origin, self.layout.block_name, widened)
        return True

    def clear(self) -> None:
        """Forget the samples, which have been written."""
        self.framed = self.framed or bool(self.blocks)
        self.blocks = []
        self.order = []
        self.numbers = Ranges()

    def parts(self, splits: Sequence[int]) -> list[FrameBlock]:
        """Return what lies between each two of `splits`, each part by message number."""
        parts: list[tuple[list[PackedBlock], Ranges]] = [
            ([], Ranges()) for _ in range(len(splits) + 1)
        ]
        for number, packed in sorted(zip(self.order, self.blocks, strict=True), key=_first):
            blocks, numbers = parts[bisect_right(splits, number)]
            blocks.append(packed)
            numbers.add(number, number + 1)
        return [FrameBlock(self.layout.kinds, *part) for part in parts]


class Provider:
    """A feed during one run of its agent, with one fixed set of columns a block.

    Parameters
    ----------
    prov_id : int
        Number of the provider in the files.
    origin : Origin
        The sender, as it introduced itself first.
    now : Moment
        The time of its first message.
    numbers : Numbers
        What is known of the messages of its source.

    Attributes
    ----------
    newest_ticks : dict of str to int
        Time of the last sample of each block that was written [G3 ticks].
    oldest_segment : int or None
        Where in the journal the first of the waiting samples are.
    """

    def __init__(self, prov_id: int, origin: Origin, now: Instant, numbers: Numbers) -> None:
        self.prov_id = prov_id
        self.numbers = numbers
        self.newest_ticks: dict[str, int] = {}
        self.origin = origin
        self.started = now
        self.refreshed = now
        self.retired = False
        self.last_block: str | None = None
        self.blocks: dict[str, BlockBuffer] = {}
        self.buffered_bytes = 0
        self.oldest_segment: int | None = None
        self._oldest_s = 0.0

    def fit(
        self, samples: CheckedBlock, known: Mapping[str, Kind]
    ) -> tuple[BlockBuffer, bytes] | None:
        """Pack samples for the block that they belong to; `take` them afterwards.

        Parameters
        ----------
        samples : Samples
            What came in.
        known : mapping of str to Kind
            Types that the fields of this block had before, if any; a new block
            is made wide enough for them as well.

        Returns
        -------
        (Block, bytes) or None
            None if this provider has that block with other fields or types, or has
            too many blocks for another one.

        Raises
        ------
        RefusedError
            If no provider can take them.
        """
        block = self.blocks.get(samples.block_name)
        if block is not None and not self.retired:
            if block.layout.kinds.keys() != samples.columns.keys():
                return None
            try:
                return block, block.layout.pack(samples)
            except MisfitError:
                pass  # The block may be widened.
        if block is None:
            check_field_names(samples.block_name, list(samples.columns))
        block = self.room_for(samples.block_name, kinds_of(samples), known)
        return None if block is None else (block, block.layout.pack(samples))

    def room_for(
        self, name: str, kinds: Mapping[str, Kind], known: Mapping[str, Kind]
    ) -> BlockBuffer | None:
        """Return the block for values of these types, widened or made if need be.

        A new provider has room for any. A block that is made belongs to the provider
        when it has taken something.
        """
        if self.retired:
            return None
        block = self.blocks.get(name)
        if block is not None:
            return block if block.widen(kinds) else None
        if len(self.blocks) >= MOST_BLOCKS:
            return None
        wide = {key: wider(kind, known.get(key, kind)) or kind for key, kind in kinds.items()}
        return BlockBuffer(Layout(self.origin, name, wide))

    def take(
        self, block: BlockBuffer, packed: PackedBlock, number: int, segment: int, now: Instant
    ) -> None:
        """Append packed samples to a block that has room for them.

        Parameters
        ----------
        block : Block
            What `fit` or `room_for` returned.
        chunk : Chunk
            The samples.
        number : int
            Number of the message that they came in.
        segment : int
            Where in the journal they are.
        now : Moment
            The time of arrival.
        """
        name = packed.layout.block_name
        if self.oldest_segment is None:
            self.oldest_segment, self._oldest_s = segment, now.mono_s
        self.oldest_segment = min(self.oldest_segment, segment)
        self.blocks[name] = block
        block.blocks.append(packed)
        block.order.append(number)
        block.numbers.add(number, number + 1)
        self.last_block = name
        self.refreshed = now
        self.buffered_bytes += len(packed.packed) + _BLOCK_OVERHEAD_BYTES

    @property
    def empty(self) -> bool:
        """True if nothing waits for a frame."""
        return self.oldest_segment is None

    def frame_due(self, now: Instant) -> bool:
        """Tell whether the oldest sample has waited long enough, by arrival.

        The age of the timestamps does not count: an agent that catches up would
        otherwise cause a frame for every message.
        """
        return not self.empty and now.mono_s - self._oldest_s >= self.origin.frame_length_s

    def stale(self, now: Instant) -> bool:
        """Tell whether the feed has been silent for its `fresh_time`."""
        return now.mono_s - self.refreshed.mono_s > self.origin.fresh_time_s

    def parts(self) -> list[dict[str, FrameBlock]]:
        """Return what waits, by block, in parts that each need a frame of their own."""
        waiting = {name: block for name, block in self.blocks.items() if block.blocks}
        splits = self._splits(waiting.values()) if self.origin.numbered else []
        if not splits:
            whole = {
                name: FrameBlock(b.layout.kinds, b.blocks, b.numbers) for name, b in waiting.items()
            }
            return [whole]
        parts: list[dict[str, FrameBlock]] = [{} for _ in range(len(splits) + 1)]
        for name, block in waiting.items():
            for part, own in zip(parts, block.parts(splits), strict=True):
                if own.blocks:
                    part[name] = own
        return [part for part in parts if part]

    def clear(self) -> None:
        """Forget the samples, which have been written."""
        for block in self.blocks.values():
            for first, end in block.numbers:
                self.numbers.framed.add(first, end)
            block.clear()
        self.buffered_bytes = 0
        self.oldest_segment = None

    def _splits(self, waiting: Collection[BlockBuffer]) -> list[int]:
        first = min(block.numbers.bounds[0] for block in waiting)
        last = max(block.numbers.bounds[-1] for block in waiting) - 1
        return self.numbers.splits(first, last)[:MOST_PARTS]

    def encoded(self, now: Instant) -> dict[str, Any]:
        """Return the provider as OCS shows it in session.data."""
        return {
            "last_refresh": self.refreshed.at,
            "sessid": self.origin.session_id,
            "stale": self.stale(now),
            "last_block_received": self.last_block,
        }


def kinds_of(samples: CheckedBlock) -> dict[str, Kind]:
    """Return the type that each field of `samples` needs.

    Raises
    ------
    RefusedError
        If a field has values of no common type.
    """
    kinds = {}
    for name, values in samples.columns.items():
        try:
            kinds[name] = kind_of(values)
        except ValueError as error:
            raise bad_field(samples.block_name, name, error) from error
    return kinds
