"""Takes from the tree of files the coarsest bins that are enough, and samples at the edges.

A window begins and ends where it was asked to, not where a bin does. So the bins at its edges
are taken from finer levels, and in the end single samples, as few as there can be.
"""

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple, Protocol

from ocsd.data.archive.samples import Layout, Part
from ocsd.data.archive.tree import FINEST_S, Node
from ocsd.data.index import FileSummary
from ocsd.data.spans import Span, overlap
from ocsd.data.trend.bins import Bins, within
from ocsd.data.trend.build import Block
from ocsd.data.trend.format import Trend, TrendFile
from ocsd.data.trend.levels import ticks_of


class NodeReader(Protocol):
    """Reads what is in the nodes of the tree."""

    def spans(self, node: Node) -> Sequence[Span]:
        """Return the times with samples [s, Unix time]."""
        ...

    def summary(self, node: Node) -> FileSummary | None:
        """Return the summary of a file; None if it was never read."""
        ...

    def trend(self, node: Node) -> Trend | TrendFile:
        """Return the trend of a closed node; it is made if it is not there."""
        ...

    def samples(
        self, node: Node, feed: str, names: Sequence[str], begin: int, end: int
    ) -> Iterator[Part]:
        """Yield the samples of a file with `begin` <= time < `end` [ticks]."""
        ...


class Wanted(NamedTuple):
    """Fields of a feed over a time."""

    feed: str
    names: tuple[str, ...]
    begin: int
    """From here on [ticks of 10 ns], …"""
    end: int
    """… up to, and without, here."""
    column_s: float
    """The length of columns [s]."""
    layout: Layout | None = None
    """Only blocks of this layout; None if all are meant."""

    def between(self, begin: int, end: int, layout: Layout) -> "Wanted":
        """Return the same over a part of the time, of one layout."""
        return self._replace(begin=begin, end=end, layout=layout)

    @property
    def span(self) -> Span:
        """The time [s, Unix time]."""
        return self.begin / ticks_of(1), self.end / ticks_of(1)


class Level(NamedTuple):
    """Bins of a level."""

    step_s: int
    names: Container[str]
    """The fields that the block has; bins of texts have only the number of samples."""
    bins: Bins

    def of(self, name: str) -> "Level":
        """Return those of one field."""
        stacks = tuple(rows for each in self.bins.stacks if (rows := each.rows([name])).names)
        return Level(self.step_s, (name,), Bins(self.bins.index, self.bins.n, stacks))


def of_node(files: NodeReader, node: Node, wanted: Wanted) -> Iterator[Level | Part]:
    """Yield bins, of levels not coarser than the columns, and samples, of a node."""
    if not reaches(files, node, wanted):
        return
    if node.tier == 0 and not node.closed:
        yield from files.samples(node, wanted.feed, wanted.names, wanted.begin, wanted.end)
    elif not usable(node, wanted):
        for child in node.children:
            yield from of_node(files, child, wanted)
    else:
        for block in files.trend(node).blocks:
            if _is_wanted(block, wanted):
                yield from _of_block(files, node, block, wanted)


def usable(node: Node, wanted: Wanted) -> bool:
    """Return whether the trend of a node has bins that are fine enough."""
    return node.closed and (node.tier == 0 or wanted.column_s >= FINEST_S[node.tier])


def _of_block(
    files: NodeReader, node: Node, block: Block, wanted: Wanted
) -> Iterator[Level | Part]:
    layout = layout_of(block)
    for step_s in sorted(block.steps_s, reverse=True):
        step = ticks_of(step_s)
        first, after = -(-wanted.begin // step), wanted.end // step
        if step_s <= wanted.column_s and first < after:
            yield Level(step_s, block.kinds, within(block.bins(step_s, wanted.names), first, after))
            for begin, end in ((wanted.begin, first * step), (after * step, wanted.end)):
                if begin < end:
                    yield from _of_block(files, node, block, wanted.between(begin, end, layout))
            return
    yield from _finer(files, node, wanted.between(wanted.begin, wanted.end, layout))


def _finer(files: NodeReader, node: Node, wanted: Wanted) -> Iterator[Level | Part]:
    if not reaches(files, node, wanted):
        return
    for child in node.children:
        yield from of_node(files, child, wanted)
    if node.tier == 0:
        for part in files.samples(node, wanted.feed, wanted.names, wanted.begin, wanted.end):
            if part.layout == wanted.layout:
                yield part


def layout_of(block: Block) -> Layout:
    """Return name and fields of a block."""
    return block.name, tuple(block.kinds.items())


def _is_wanted(block: Block, wanted: Wanted) -> bool:
    if block.feed != wanted.feed or not any(name in block.kinds for name in wanted.names):
        return False
    return wanted.layout is None or layout_of(block) == wanted.layout


def reaches(files: NodeReader, node: Node, wanted: Wanted) -> bool:
    """Return whether a node has samples of the time."""
    return any(overlap(span, wanted.span) for span in files.spans(node))
