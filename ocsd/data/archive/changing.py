"""The changes of a text field: from trends, or from samples where those of blocks are mixed."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, starmap

import numpy as np

from ocsd.data.archive.pieces import NodeReader, Wanted, reaches, usable
from ocsd.data.archive.samples import Part
from ocsd.data.archive.tree import FINEST_S, Node
from ocsd.data.index import FileSummary
from ocsd.data.spans import Span, overlap
from ocsd.data.trend.digest import all_blocks
from ocsd.data.trend.texts import Change, changes


def changes_of(
    files: NodeReader, nodes: Sequence[Node], waiting: Sequence[Part], wanted: Wanted, name: str
) -> list[list[Change]]:
    """Return the changes of a text field; some may lie outside of the time.

    `waiting` are its samples that are in no file yet. The trend of a file does not say when
    another sample came, only when the text was another. So if samples of several files, or of
    several blocks of one, are mixed, all of them are read; but not for columns that are so long
    that trends of folders are used.
    """
    reached = [*_reached(files, nodes, wanted)]
    mixed = wanted.column_s < FINEST_S[1] and _mixed(files, reached, waiting, wanted.feed, name)
    texts: list[list[Change]] = []
    parts = list(waiting)
    for node in reached:
        found = None
        if node.closed and not mixed:
            found = _listed(files, node, wanted.feed, name)
        if found is None:
            parts += files.samples(node, wanted.feed, [name], wanted.begin, wanted.end)
        else:
            texts += found
    return [*texts, changes_among(parts, name)]


def changes_among(parts: Iterable[Part], name: str) -> list[Change]:
    """Return the changes of a text field in samples; numbers that it has there are left out."""
    texts = [part for part in parts if name in part.columns and _has_texts(part, name)]
    if not texts:
        return []
    ticks = np.concatenate([part.ticks for part in texts])
    return changes(ticks, [text for part in texts for text in part.columns[name].tolist()])


def _has_texts(part: Part, name: str) -> bool:
    return part.columns[name].dtype.kind in "UO" and len(part.ticks) > 0


def _reached(files: NodeReader, nodes: Iterable[Node], wanted: Wanted) -> Iterator[Node]:
    """Yield the nodes that have samples of the time: those with a trend to use, and files."""
    for node in nodes:
        if reaches(files, node, wanted):
            if node.tier == 0 or usable(node, wanted):
                yield node
            else:
                yield from _reached(files, node.children, wanted)


def _listed(files: NodeReader, node: Node, feed: str, name: str) -> list[list[Change]] | None:
    """Return what the trend of a node has; None if they are too many."""
    found = []
    for block in files.trend(node).blocks:
        if block.feed == feed and block.kinds.get(name) == "str":
            listed = block.changes(name)
            if listed is None:
                return None
            found.append(listed)
    return found


def _mixed(
    files: NodeReader, nodes: Sequence[Node], waiting: Sequence[Part], feed: str, name: str
) -> bool:
    """Return whether samples of a field in a block are among those of another, or of the journal.

    A file has several blocks of a feed if messages had other fields, or other kinds of them.
    """
    spans = [span for node in nodes for span in _spans(files.summary(node), feed, name)]
    spans += [
        (float(part.ticks.min()) / 1e8, float(part.ticks.max()) / 1e8)
        for part in waiting
        if len(part.ticks)
    ]
    return any(starmap(overlap, pairwise(sorted(spans))))


def _spans(summary: FileSummary | None, feed: str, name: str) -> Iterator[Span]:
    """Yield the first and last time of each block of a file that has a field."""
    for source, block in all_blocks([summary] if summary is not None else []):
        if source.feed == feed and name in block.fields:
            times = [*block.spans, *((each.from_at, each.until_at) for each in block.outliers)]
            if times:
                yield min(begin for begin, _ in times), max(end for _, end in times)
