"""Single samples: of frames, found by the index, and of the journal."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.frames.frames import ticks as in_ticks
from ocsd.data.index import FileSummary, IndexedFrame
from ocsd.data.trend.frames import FrameReader, opened
from ocsd.data.trend.levels import ticks_of
from ocsd.data.trend.packed import BlockColumns
from ocsd.data.unframed import Columns

KEPT_BYTES: Final = 64 * 2**20
"""Most bytes of samples that are kept for the next window."""

Layout = tuple[str, tuple[tuple[str, str], ...]]
"""Name of a block, and its fields with their types."""


class Part(NamedTuple):
    """Samples of some fields of a feed that were sampled together."""

    layout: Layout
    ticks: NDArray[np.int64]
    """Times [ticks of 10 ns], in any order."""
    columns: Mapping[str, NDArray[Any]]

    def within(self, begin: int, end: int) -> "Part":
        """Return the samples with `begin` <= time < `end` [ticks]."""
        there = (self.ticks >= begin) & (self.ticks < end)
        if there.all():
            return self
        columns = {name: values[there] for name, values in self.columns.items()}
        return Part(self.layout, self.ticks[there], columns)


class _Kept(NamedTuple):
    parts: Sequence[Part]
    size_bytes: int


class SampleReader:
    """Reads frames, and keeps those it read last, as long as they are at most `kept_bytes`."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self.frames = FrameReader()
        self._most_bytes = kept_bytes
        self._kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()
        self._size_bytes = 0

    def parts(
        self,
        path: Path,
        summary: FileSummary,
        feed: str,
        names: Sequence[str],
        begin: int,
        end: int,
    ) -> Iterator[Part]:
        """Yield the samples of fields with `begin` <= time < `end` [ticks] in a file.

        Raises
        ------
        OcsdError
            If it cannot be read, or has changed.
        """
        needed = list(_needed(summary, feed, begin, end))
        if not needed:
            return
        with opened(path) as descriptor:
            for place in needed:
                key = (summary.name, summary.mtime_ns, place.offset, feed, *names)
                kept = self._kept.get(key)
                if kept is None:
                    blocks = self.frames.columns(path, descriptor, place, names)
                    kept = self._keep(key, [*_parts(blocks, names)])
                self._kept.move_to_end(key)
                for part in kept.parts:
                    yield part.within(begin, end)

    def _keep(self, key: tuple[Any, ...], parts: Sequence[Part]) -> _Kept:
        arrays = [array for part in parts for array in (part.ticks, *part.columns.values())]
        kept = _Kept(parts, sum(array.nbytes for array in arrays) + 1000)
        self._kept[key] = kept
        self._size_bytes += kept.size_bytes
        while self._size_bytes > self._most_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size_bytes -= oldest.size_bytes
        return kept


def waiting(
    unframed: Sequence[Columns], feed: str, names: Sequence[str], begin: int, end: int
) -> Iterator[Part]:
    """Yield the samples of fields with `begin` <= time < `end` [ticks] that are in no frame yet."""
    for columns in unframed:
        wanted = [name for name in names if name in columns.kinds]
        if columns.feed == feed and wanted:
            kinds = tuple((name, str(kind)) for name, kind in columns.kinds.items())
            values = {name: np.asarray(columns.values[name]) for name in wanted}
            times = in_ticks(np.asarray(columns.values[""]))
            yield Part((columns.block_name, kinds), times, values).within(begin, end)


def _needed(summary: FileSummary, feed: str, begin: int, end: int) -> Iterator[IndexedFrame]:
    second = ticks_of(1)
    # Floats of today's times are exact to 240 ns.
    first_at, last_at = begin / second - 1e-6, end / second + 1e-6
    for source in summary.sources:
        if source.feed == feed:
            for frame in source.frames:
                if frame.from_at <= last_at and frame.until_at >= first_at:
                    yield frame


def _parts(blocks: Sequence[BlockColumns], names: Sequence[str]) -> Iterator[Part]:
    for block in blocks:
        wanted = [each for each in names if each in block.kinds]
        if wanted:
            values = {each: np.array(block.values[each]) for each in wanted}
            yield Part((block.name, tuple(block.kinds.items())), np.array(block.ticks), values)
