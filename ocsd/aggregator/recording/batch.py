"""Group commit: messages that wait are recorded together, so each costs less under load.

The usual message goes on where its feed was: its number is the next one, its blocks have the
fields and types of those before. Such messages are gathered. Values of the blocks of one layout
are packed in one pass, and all messages are written to the journal at once. Each has its own
record there, so the journal is what it would be if they had come one by one. Any other message is
taken by itself (`message_path`), after those before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
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
_TIMES: Final = frozenset({int, float})


@dataclass(slots=True, eq=False)
class Lot:
    """Blocks of one layout and one length, of the messages of a batch."""

    provider: Provider
    buffer: BlockBuffer
    layout: PackingLayout
    length: int
    is_flat: bool
    numbers: list[int] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    """Of all blocks, one behind the other."""
    values: list[Any] = field(default_factory=list)
    """Times and columns of all blocks, one behind the other, if they are short and all floats: a
    list of numbers is nothing for the garbage collection to look into."""
    rows: list[list[list[Any]]] = field(default_factory=list)
    """Otherwise times and columns of each block."""
    blocks: list[PackedBlock] = field(default_factory=list)

    def pack(self) -> bool:
        """Pack the rows; False if one of them is not as usual."""
        try:
            contents = self.layout.pack_rows(self.values, self.rows, self.length)
        except NOT_ALL_NUMBERS:
            return False
        self.blocks = [PackedBlock(self.layout, self.length, content) for content in contents]
        return self._are_times_good()

    def _are_times_good(self) -> bool:
        packed = None
        if len(self.times) >= LONG_LIST:
            packed = b"".join([each.content[: 8 * self.length] for each in self.blocks])
        are_numbers = _TIMES.issuperset(map(type, self.times))
        return are_numbers and all_near(self.times, TIME_UNKNOWN, packed)


@dataclass(slots=True, eq=False)
class NumberRun:
    """The messages of one source in a batch: their numbers follow each other."""

    first: int
    end: int
    last: tuple[Lot, int]
    """The first block of the last message: its lot, and its place there."""

    @property
    def last_time(self) -> float:
        """Unix time of the last sample of that block [s]."""
        lot, place = self.last
        return float(lot.times[(place + 1) * lot.length - 1])


class Batch:
    """Messages of many sources that are as usual, until they are written."""

    def __init__(self, introductions: Introductions) -> None:
        self._introductions = introductions
        self.pairs: list[Pair] = []
        self.messages: list[tuple[int, list[tuple[Lot, int]]]] = []
        """Of each message the number, and the places of its blocks."""
        self.runs: dict[Source, NumberRun] = {}
        self.lots: dict[tuple[BlockBuffer, int], Lot] = {}
        self.samples = 0
        self.size_bytes = 0

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
        if not self._is_next(source, number) or source.providers[0].retired:
            return False
        rows = _rows_of(message, source.providers[0])
        if not rows:
            return False
        places = [self._place(source, number, buffer, row) for buffer, row in rows]
        run = self.runs.get(source)
        if run is None:
            self.runs[source] = NumberRun(number, number + 1, places[0])
        else:
            run.end, run.last = number + 1, places[0]
        self.messages.append((number, places))
        self.pairs.append(pair)
        return True

    def pack(self) -> bool:
        """Pack all; False if some message turns out not to be as usual."""
        return all(lot.pack() for lot in self.lots.values())

    def entries(self) -> list[tuple[int, Sequence[PackedBlock]]]:
        """Return number and packed blocks of each message."""
        return [
            (number, [lot.blocks[place] for lot, place in places])
            for number, places in self.messages
        ]

    def _is_next(self, source: Source, number: int) -> bool:
        run = self.runs.get(source)
        if run is not None:
            return number == run.end
        bounds = source.numbering.seen.bounds
        return bool(bounds) and bounds[-1] == number

    def _place(
        self, source: Source, number: int, buffer: BlockBuffer, row: list[list[Any]]
    ) -> tuple[Lot, int]:
        length = len(row[0])
        lot = self.lots.get((buffer, length))
        if lot is None:
            is_flat = buffer.layout.is_all_floats and length < LONG_LIST
            lot = Lot(source.providers[0], buffer, buffer.layout, length, is_flat)
            self.lots[buffer, length] = lot
        lot.numbers.append(number)
        lot.times += row[0]
        if lot.is_flat:
            lot.values += chain.from_iterable(row)
        else:
            lot.rows.append(row)
        self.samples += length
        self.size_bytes += length * buffer.layout.width
        return lot, len(lot.numbers) - 1


def _rows_of(
    message: object, provider: Provider
) -> list[tuple[BlockBuffer, list[list[Any]]]] | None:
    """Return times and columns of all blocks, each with its buffer; None if one is unusual."""
    if type(message) is not dict:
        return None
    rows = []
    for name, block in message.items():
        buffer = provider.blocks.get(name)
        if buffer is None or type(block) is not dict:
            return None
        row = _row_of(block, buffer.layout)
        if row is None:
            return None
        rows.append((buffer, row))
    return rows


def _row_of(block: dict[Any, Any], layout: PackingLayout) -> list[list[Any]] | None:
    times, data = block.get("timestamps"), block.get("data")
    if not layout.is_plain or type(times) is not list or not times or type(data) is not dict:
        return None
    if data.keys() != layout.kinds.keys() or block.get("influxdb_tags") != layout.tags:
        return None
    row = [times, *map(data.__getitem__, layout.names)]
    # As fast as it gets: these are called for each field of each message.
    if set(map(type, row)) != {list} or set(map(len, row)) != {len(times)}:
        return None
    return row


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
