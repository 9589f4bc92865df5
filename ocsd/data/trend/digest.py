"""Summaries of many files as one, so that years are known without reading the index. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ocsd.data.index import FileSummary, IndexedBlock, IndexedSource
from ocsd.data.overview import joined
from ocsd.data.spans import Span, union

_MARGIN_S = 1e-6
"""Floats of today's times are exact to 240 ns."""

_Source = tuple[str, str]
"""A feed, and the life of its agent."""

_Layout = tuple[str, tuple[tuple[str, str], ...]]


def digest(name: str, summaries: Sequence[FileSummary]) -> list[FileSummary]:
    """Return the summaries of the files of a folder as few: one of all sound files.

    Files with damage keep their own, because it is told with the name and times of the file.
    The frames are left out.
    """
    sound = [summary for summary in summaries if not summary.damage]
    whole = FileSummary(
        name=name,
        size_bytes=sum(summary.size_bytes for summary in sound),
        mtime_ns=0,
        frames=sum(summary.frames for summary in sound),
        sources=_joined_sources(sound),
        holes=tuple(hole for summary in sound for hole in summary.holes),
        damage=(),
    )
    return [whole, *(_without_frames(summary) for summary in summaries if summary.damage)]


def _joined_sources(summaries: Iterable[FileSummary]) -> tuple[IndexedSource, ...]:
    """Return the sources of all files, each once, with its newest units and labels."""
    blocks: dict[_Source, dict[_Layout, list[IndexedBlock]]] = defaultdict(dict)
    units: dict[_Source, dict[str, str]] = defaultdict(dict)
    labels: dict[_Source, dict[str, str]] = defaultdict(dict)
    for source, block in all_blocks(summaries):
        key = source.feed, source.agent_session
        blocks[key].setdefault((block.name, tuple(block.fields.items())), []).append(block)
        units[key] |= source.units
        labels[key] |= source.labels
    return tuple(
        IndexedSource(*key, (), tuple(map(joined, found.values())), units[key], labels[key])
        for key, found in blocks.items()
    )


def all_blocks(
    summaries: Iterable[FileSummary],
) -> Iterator[tuple[IndexedSource, IndexedBlock]]:
    """Yield each block of files, with its source."""
    for summary in summaries:
        for source in summary.sources:
            for block in source.blocks:
                yield source, block


def reach(summaries: Iterable[FileSummary]) -> list[Span]:
    """Return the times with samples [s, Unix time]: one of all believable ones, and each other."""
    spans: list[Span] = []
    found: list[Span] = []
    for _, block in all_blocks(summaries):
        spans += block.spans
        found += ((each.from_at, each.until_at) for each in block.outliers)
    if spans:
        found.append((min(begin for begin, _ in spans), max(end for _, end in spans)))
    return [(begin - _MARGIN_S, end + _MARGIN_S) for begin, end in union(found)]


def _without_frames(summary: FileSummary) -> FileSummary:
    sources = tuple(replace(source, frames=()) for source in summary.sources)
    return replace(summary, sources=sources)
