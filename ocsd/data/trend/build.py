"""Makes trends: of one G3 file, and of the trends of a folder."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ocsd.data.index import FileSummary
from ocsd.data.spans import Span
from ocsd.data.trend.bins import Bins, Table, is_ascending, merged, occupied, of_tables
from ocsd.data.trend.digest import all_blocks, digest, reach
from ocsd.data.trend.format import BinnedBlock, StoredBlock, Trend
from ocsd.data.trend.frames import FrameReader, columns_of
from ocsd.data.trend.levels import (
    FOLDER_FROM_S,
    LEAST_SAMPLES,
    LEAST_SAMPLES_OF_FOLDER,
    STEPS_S,
    kept,
    ticks_of,
)
from ocsd.data.trend.packed import BlockColumns
from ocsd.data.trend.texts import MOST_CHANGES, Change, changes, joined, thinned
from ocsd.errors import OcsdError

_SUMMED_AT_ONCE: Final = 2**15
"""Values of a block that are summed up at once: as many as stay in the caches of a processor."""

Block = BinnedBlock | StoredBlock

_Layout = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Child:
    """A trend that is merged into that of a folder."""

    spans: Sequence[Span]
    blocks: Sequence[Block]
    finer: Callable[[Block, int], Bins]
    """Returns the bins of all fields of a block at a level [s] that is not kept."""
    texts: Callable[[Block, str], list[Change]]
    """Returns the changes of a text field that are too many to be kept."""


def of_file(path: Path, summary: FileSummary, key: str, reader: FrameReader) -> Trend:
    """Return the trend of a G3 file, of which the index has a summary.

    Raises
    ------
    OcsdError
        If it cannot be read, or is not the file of the summary any more.
    """
    making = TrendOfFile()
    for feed, blocks in reader.all_columns(path, summary):
        making.take(feed, blocks)
    return making.trend(key, summary)


def bare(summary: FileSummary, key: str) -> Trend:
    """Return a trend without bins, with which a window takes the samples themselves."""
    layouts: dict[_Layout, None] = {}
    for source, block in all_blocks([summary]):
        layouts[source.feed, block.name, tuple(block.fields.items())] = None
    blocks = [BinnedBlock(feed, name, dict(kinds), {}, {}) for feed, name, kinds in layouts]
    return Trend(key, reach([summary]), {}, blocks, [])


def needs_none(summary: FileSummary) -> bool:
    """Return whether a file has nothing to tell that the trend of its folder does not.

    That is so if its samples are too few for shorter bins, and none of its fields is a text.
    """
    finer_s = STEPS_S[STEPS_S.index(FOLDER_FROM_S) - 1]
    for _, block in all_blocks([summary]):
        length_s = sum(end - begin for begin, end in block.dated)
        if block.samples >= LEAST_SAMPLES * max(length_s / finer_s, 1.0):
            return False
        if "str" in block.fields.values():
            return False
    return True


class TrendOfFile:
    """Makes the trend of a file from its frames.

    The finest bins have the length `finest_s` [s], or that of the finest level that is kept.
    """

    def __init__(self, finest_s: int | None = None) -> None:
        self._finest_s = finest_s
        self._gathering: dict[_Layout, _Gathering] = {}

    def add(self, feed: str, frame: Any) -> None:
        """Add a data frame of a feed."""
        self.take(feed, columns_of(frame))

    def take(self, feed: str, blocks: Sequence[BlockColumns]) -> None:
        """Add the blocks of a data frame of a feed."""
        for block in blocks:
            layout = feed, block.name, tuple(block.kinds.items())
            gathering = self._gathering.get(layout)
            if gathering is None:
                gathering = _Gathering(feed, block.name, block.kinds, self._finest_s)
                self._gathering[layout] = gathering
            gathering.add(block)

    def trend(self, key: str, summary: FileSummary) -> Trend:
        """Return the trend, when all frames were added."""
        blocks = [each.block() for each in self._gathering.values()]
        return Trend(key, reach([summary]), {}, blocks, [])

    def for_folder(self) -> list[BinnedBlock]:
        """Return the bins for the trend of a folder, when all frames were added; without texts."""
        return [each.for_folder() for each in self._gathering.values()]


class PartOfFolder:
    """The samples of the files of a folder that have no trends of their own."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        """The files."""
        self._begin()

    def _begin(self) -> None:
        self.names.clear()
        self._making = TrendOfFile(FOLDER_FROM_S)
        self._binned: list[BinnedBlock] = []

    def add_file(self, name: str, path: Path, summary: FileSummary, reader: FrameReader) -> None:
        """Add a file, of which the index has a summary.

        Raises
        ------
        OcsdError
            If it cannot be read, or is not the file of the summary any more. All files have to
            be added again then.
        """
        try:
            for feed, blocks in reader.all_columns(path, summary):
                self._making.take(feed, blocks)
        except OcsdError:
            self._begin()
            raise
        self.names.add(name)

    def add_bins(self, name: str, blocks: Sequence[BinnedBlock]) -> None:
        """Add the bins of a file."""
        self._binned += blocks
        self.names.add(name)

    def blocks(self) -> list[BinnedBlock]:
        """Return the bins of all files, when all were added."""
        return [*self._binned, *self._making.for_folder()]


def of_children(
    key: str,
    children: Mapping[str, Child],
    summaries: Sequence[FileSummary],
    from_step_s: int,
    name: str,
    part: Sequence[BinnedBlock] = (),
) -> Trend:
    """Return the trend of a folder, or of a group of folders, with levels of `from_step_s` on.

    `summaries` are those of its files or folders, `part` the bins of those `children` that have no
    trends of their own.
    """
    parts: dict[_Layout, list[tuple[Child, Block]]] = defaultdict(list)
    without = Child([], part, _no_more, _no_more)
    for child in (*children.values(), without):
        for block in child.blocks:
            layout = block.feed, block.name, tuple(block.kinds.items())
            parts[layout].append((child, block))
    blocks = [
        _of_parts(feed, name, dict(kinds), found, from_step_s)
        for (feed, name, kinds), found in parts.items()
    ]
    together = digest(name, summaries)
    return Trend(
        key,
        reach(together),
        {each: child.spans for each, child in children.items()},
        blocks,
        [asdict(summary) for summary in together],
    )


class _Gathering:
    """The samples of a block so far.

    They are copied out of their frame into a table that is used again and again: fresh memory
    costs more time than all sums.
    """

    def __init__(
        self, feed: str, name: str, kinds: Mapping[str, str], finest_s: int | None
    ) -> None:
        self._feed = feed
        self._name = name
        self._kinds = kinds
        self._finest_s = finest_s
        self._floats = [name for name, kind in kinds.items() if kind == "float"]
        self._whole = [name for name, kind in kinds.items() if kind in {"int", "bool"}]
        self._has_texts = "str" in kinds.values()
        self._texts: list[BlockColumns] = []
        self._bins: dict[int, list[Bins]] = defaultdict(list)
        self._length = 0
        self._ticks = np.empty(0, dtype=np.int64)

    def add(self, block: BlockColumns) -> None:
        """Add samples."""
        if self._has_texts:
            self._texts.append(block)
        shape, count = block.ticks.shape, block.ticks.size
        if self._length + count > len(self._ticks):
            self.sum_up()
            self._make_room(count)
        new = slice(self._length, self._length + count)
        self._ticks[new].reshape(shape)[...] = block.ticks
        for row, name in enumerate(self._floats):
            self._float_rows[row, new].reshape(shape)[...] = block.values[name]
        for row, name in enumerate(self._whole):
            self._whole_rows[row, new].reshape(shape)[...] = block.values[name]
        self._length += count

    def block(self) -> BinnedBlock:
        """Return the bins of all samples."""
        self.sum_up()
        finest = max(self._bins)
        texts = {name: self._changes(name) for name, kind in self._kinds.items() if kind == "str"}
        levels = _levels(self._merged(finest), finest)
        return BinnedBlock(self._feed, self._name, self._kinds, levels, texts)

    def for_folder(self) -> BinnedBlock:
        """Return the bins of all samples that the trend of a folder is made of."""
        self.sum_up()
        levels = {FOLDER_FROM_S: self._merged(FOLDER_FROM_S)}
        return BinnedBlock(self._feed, self._name, self._kinds, levels, {})

    def sum_up(self) -> None:
        """Replace the samples that wait by their bins."""
        if not self._length:
            return
        ticks = self._ticks[: self._length]
        tables: list[Table] = []
        if self._floats:
            tables.append((self._floats, self._float_rows[:, : self._length]))
        if self._whole:
            tables.append((self._whole, self._whole_rows[:, : self._length]))
        step_s = self._finest_s or _finest(ticks)
        self._bins[step_s].append(of_tables(ticks, tables, ticks_of(step_s)))
        self._length = 0

    def _make_room(self, length: int) -> None:
        """Make the table, for at least so many samples, if it is too short."""
        if length <= len(self._ticks):
            return
        length = max(length, _SUMMED_AT_ONCE // max(len(self._kinds), 1))
        self._ticks = np.empty(length, dtype=np.int64)
        self._float_rows = np.empty((len(self._floats), length))
        self._whole_rows = np.empty((len(self._whole), length), dtype=np.int64)

    def _merged(self, length_s: int) -> Bins:
        parts = [
            merged([part], length_s // step_s)
            for step_s, found in self._bins.items()
            for part in found
        ]
        return merged(parts)

    def _changes(self, name: str) -> list[Change] | None:
        ticks = np.concatenate([block.ticks for block in self._texts])
        found = changes(
            ticks, [text for block in self._texts for text in block.values[name].tolist()]
        )
        if len(found) > MOST_CHANGES:
            return None
        return found


def _finest(ticks: NDArray[np.int64]) -> int:
    """Return the finest level that is kept for times [ticks of 10 ns].

    It is one that the trend of a folder can be made of, whether it is kept or not.
    """
    if not is_ascending(ticks):
        ticks = np.sort(ticks)
    for step_s in STEPS_S[: STEPS_S.index(FOLDER_FROM_S)]:
        index, _ = occupied(ticks, ticks_of(step_s))
        if kept(step_s, len(ticks), len(index)):
            return step_s
    return FOLDER_FROM_S


def _levels(finest: Bins, from_step_s: int, least: int = 1) -> dict[int, Bins]:
    """Return the levels that are kept, made of the bins of the finest one."""
    levels = {}
    bins, step_s = finest, from_step_s
    for coarser_s in STEPS_S[STEPS_S.index(from_step_s) :]:
        bins, step_s = merged([bins], coarser_s // step_s), coarser_s
        if kept(step_s, int(bins.n.sum()), len(bins.index), least):
            levels[step_s] = bins
    return levels


def _of_parts(
    feed: str,
    name: str,
    kinds: Mapping[str, str],
    parts: Sequence[tuple[Child, Block]],
    from_step_s: int,
) -> BinnedBlock:
    numbers = [each for each, kind in kinds.items() if kind != "str"]
    found = []
    for child, block in parts:
        if from_step_s in block.steps_s:
            found.append(block.bins(from_step_s, numbers))
        else:
            found.append(child.finer(block, from_step_s))
    levels = _levels(merged(found), from_step_s, LEAST_SAMPLES_OF_FOLDER)
    step = ticks_of(from_step_s)
    texts: dict[str, list[Change] | None] = {}
    for each in kinds.keys() - set(numbers):
        texts[each] = thinned(joined(_texts_of(parts, each)), step)
    return BinnedBlock(feed, name, kinds, levels, texts)


def _no_more(block: Block, _what: object) -> NoReturn:
    """Say that a block has all that it can have."""
    raise AssertionError(f"the bins of {block.feed} are complete")


def _texts_of(parts: Sequence[tuple[Child, Block]], name: str) -> Iterator[list[Change]]:
    for child, block in parts:
        found = block.changes(name)
        if found is None:
            found = child.texts(block, name)
        yield found
