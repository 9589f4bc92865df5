"""Group commit: messages that wait are recorded together, so each costs less under load.

The usual message goes on where its feed was: its number is the next one, its blocks have the
fields and types of those before. Such messages are gathered. Values of blocks of one shape, of any
feeds, are packed in one pass, and all messages are written to the journal at once. Each has its
own record there, so the journal is what it would be if they had come one by one. Any other message
is taken by itself (`message_path`), after those before it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from operator import itemgetter
from struct import Struct
from typing import Any, Final, TypeAlias

from ocsd.agent.feeds.times import TIME_UNKNOWN
from ocsd.aggregator.frames.provider import BlockBuffer, Provider
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.columns import LONG_LIST, NOT_ALL_NUMBERS
from ocsd.aggregator.incoming.message import RefusedError, all_near, read_number
from ocsd.aggregator.incoming.packing import PackingLayout
from ocsd.aggregator.recording.introductions import Introductions
from ocsd.journal.layout import PackedBlock

MOST_IN_BATCH: Final = 1000
"""Messages that are written together at most."""

MOST_BATCH_BYTES: Final = 2**18
"""Size of the packed blocks from which they are written: fresh memory is slow."""

Pair: TypeAlias = tuple[object, Mapping[str, Any]]
_Lists: TypeAlias = Collection[list[Any]]
_TIMES: Final = frozenset({int, float})
_TIME: Final = Struct("d")
_by_number: Final = itemgetter(0)

# A third of the time that the class itself takes.
packed_block: Final = partial(tuple.__new__, PackedBlock)


@dataclass(slots=True, eq=False)
class Pool:
    """Blocks of one shape, of any feeds: as many samples, and columns of the same types."""

    layout: PackingLayout
    """The layout of one of them."""
    length: int
    lists: list[list[Any]] = field(default_factory=list)
    """Times and columns of all blocks, one behind the other."""
    layouts: list[PackingLayout] = field(default_factory=list)
    """The layout of each."""
    blocks: list[PackedBlock] = field(default_factory=list)

    def pack(self) -> bool:
        """Pack the lists; False if one of them is not as usual."""
        if self.blocks:
            return True
        lists, length = self.lists, self.length
        # All at once: for each message by itself this would take longer than the packing.
        if set(map(type, lists)) != {list} or set(map(len, lists)) != {length}:
            return False
        try:
            contents = self.layout.pack_lists(lists, length)
        except NOT_ALL_NUMBERS:
            return False
        self.blocks = list(map(packed_block, zip(self.layouts, repeat(length), contents)))
        return self._are_times_good()

    def _are_times_good(self) -> bool:
        times = [*chain.from_iterable(self.lists[:: 1 + len(self.layout.names)])]
        packed = None
        if len(times) >= LONG_LIST:
            packed = b"".join([each.content[: 8 * self.length] for each in self.blocks])
        return _TIMES.issuperset(map(type, times)) and all_near(times, TIME_UNKNOWN, packed)


@dataclass(slots=True, eq=False)
class Lot:
    """The blocks of one buffer in a pool."""

    provider: Provider
    buffer: BlockBuffer
    pool: Pool
    numbers: list[int]
    places: list[int]

    @property
    def blocks(self) -> list[PackedBlock]:
        """The blocks, which are packed."""
        return list(map(self.pool.blocks.__getitem__, self.places))


@dataclass(slots=True, eq=False)
class NumberRun:
    """The messages of one source in a batch: their numbers follow each other."""

    first: int
    end: int
    last: tuple[Pool, int]
    """The first block of the last message: its pool, and its place there."""

    @property
    def last_time(self) -> float:
        """Unix time of the last sample of that block, which is packed [s]."""
        pool, place = self.last
        _, length, content = pool.blocks[place]
        return float(_TIME.unpack_from(content, 8 * (length - 1))[0])


class Batch:
    """Messages of many sources that are as usual, until they are written."""

    def __init__(self, introductions: Introductions) -> None:
        self._introductions = introductions
        self.pairs: list[Pair] = []
        self.messages: list[tuple[int, list[tuple[Pool, int]]]] = []
        """Of each message the number, and the places of its blocks."""
        self._packed: list[tuple[int, Sequence[PackedBlock]]] = []
        self.runs: dict[Source, NumberRun] = {}
        self.lots: dict[tuple[BlockBuffer, int], Lot] = {}
        self.pools: dict[tuple[str, int], Pool] = {}
        self.samples = 0
        self.size_bytes = 0

    @property
    def count(self) -> int:
        """Number of its messages."""
        return len(self.messages) + len(self._packed)

    @property
    def full(self) -> bool:
        """True if it has to be written before more is added."""
        return len(self.pairs) >= MOST_IN_BATCH or self.size_bytes >= MOST_BATCH_BYTES

    def add(self, pair: Pair) -> bool:
        """Add a message; False, with nothing changed, if it is not as usual."""
        message, feed_info = pair
        try:
            _, source = self._introductions.of(feed_info)
            number = read_number(feed_info)
        except RefusedError:
            return False
        if source is None or number is None or len(source.providers) != 1:
            return False
        provider = source.providers[0]
        run = self.runs.get(source)
        if number != _next_number(source, run) or provider.retired:
            return False
        rows = _rows_of(message, provider)
        if not rows:
            return False
        places = []
        for buffer, times, columns in rows:
            places.append(self._place(provider, number, buffer, times, columns))
        if run is None:
            self.runs[source] = NumberRun(number, number + 1, places[0])
        else:
            run.end, run.last = number + 1, places[0]
        self.messages.append((number, places))
        self.pairs.append(pair)
        return True

    def add_packed(self, source: Source, lots: Sequence[Lot]) -> None:
        """Add packed messages of one block each, which follow the last one of their source."""
        for place, lot in enumerate(lots):
            self.lots[lot.buffer, place] = lot
            self._packed += zip(lot.numbers, zip(lot.blocks))  # noqa: B905
            self.samples += lot.pool.length * len(lot.numbers)
        self._packed.sort(key=_by_number)
        first, last = self._packed[0][0], self._packed[-1][0]
        lot = next(lot for lot in lots if lot.numbers[-1] == last)
        self.runs[source] = NumberRun(first, last + 1, (lot.pool, lot.places[-1]))

    def pack(self) -> bool:
        """Pack all; False if some message turns out not to be as usual."""
        return all(pool.pack() for pool in self.pools.values())

    def entries(self) -> list[tuple[int, Sequence[PackedBlock]]]:
        """Return number and packed blocks of each message."""
        entries = [*self._packed]
        for number, places in self.messages:
            if len(places) == 1:
                ((pool, place),) = places
                entries.append((number, (pool.blocks[place],)))
            else:
                entries.append((number, [pool.blocks[place] for pool, place in places]))
        return entries

    def _place(
        self,
        provider: Provider,
        number: int,
        buffer: BlockBuffer,
        times: list[Any],
        columns: _Lists,
    ) -> tuple[Pool, int]:
        length, layout = len(times), buffer.layout
        pool = self.pools.get((layout.codes, length))
        if pool is None:
            pool = self.pools[layout.codes, length] = Pool(layout, length)
        place = len(pool.layouts)
        pool.layouts.append(layout)
        pool.lists.append(times)
        pool.lists += columns
        lot = self.lots.get((buffer, length))
        if lot is None:
            self.lots[buffer, length] = Lot(provider, buffer, pool, [number], [place])
        else:
            lot.numbers.append(number)
            lot.places.append(place)
        self.samples += length
        self.size_bytes += length * layout.width
        return pool, place


def _next_number(source: Source, run: NumberRun | None) -> int | None:
    """Return the number of the message that goes on where a source was; None if none came in."""
    if run is not None:
        return run.end
    return next(reversed(source.numbering.seen.bounds), None)


def _rows_of(
    message: object, provider: Provider
) -> list[tuple[BlockBuffer, list[Any], _Lists]] | None:
    """Return times and columns of all blocks, each with its buffer; None if one is unusual.

    Whether a column is a list, and as long as the times, is not checked.
    """
    if type(message) is not dict:
        return None
    rows = []
    for name, block in message.items():
        buffer = provider.blocks.get(name)
        if buffer is None or type(block) is not dict:
            return None
        times, data = block.get("timestamps"), block.get("data")
        if type(times) is not list or not times or type(data) is not dict:
            return None
        layout = buffer.layout
        columns: _Lists = data.values()
        if tuple(data) != layout.names:
            if data.keys() != layout.kinds.keys():
                return None
            columns = list(map(data.__getitem__, layout.names))
        if not layout.is_plain or block.get("influxdb_tags") != layout.tags:
            return None
        rows.append((buffer, times, columns))
    return rows


Accept: TypeAlias = Callable[[object, Mapping[str, Any]], None]


def gathered(
    pairs: Sequence[Pair],
    introductions: Introductions,
    commit: Callable[[Batch], None],
    accept: Accept,
) -> None:
    """Take messages in order: `commit` gets those that are as usual, `accept` each other one."""
    batch = Batch(introductions)
    for pair in pairs:
        if not batch.full and batch.add(pair):
            continue
        if batch.pairs:
            commit(batch)
            batch = Batch(introductions)
            if batch.add(pair):
                continue
        accept(*pair)
    if batch.pairs:
        commit(batch)
