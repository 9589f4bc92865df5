"""Sums up the recorded data, feed by feed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from ocsd.data.index import FileSummary, IndexedBlock, IndexedSource
from ocsd.data.spans import Outliers, Span, longest_pause_s, overlap, union, window


@dataclass(frozen=True, slots=True)
class FeedOverview:
    """A feed over all files."""

    feed: str
    """Its address."""
    agent_sessions: tuple[str, ...]
    """The lives of its agent."""
    blocks: tuple[IndexedBlock, ...]
    """Over all files; each with one set of fields."""
    files: tuple[str, ...]
    """The files that have its data."""
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Unit of a field, and its name for people, as declared last; by full name of the field."""
    earlier_units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other units that a field had before in these files, the last one first."""

    @property
    def fields(self) -> dict[str, str]:
        """Full name and type of each field; of several types the last."""
        fields: dict[str, str] = {}
        for block in self.blocks:
            fields |= {f"{self.feed}.{key}": kind for key, kind in block.fields.items()}
        return fields

    @property
    def samples(self) -> int:
        """Number of samples of all blocks together."""
        return sum(block.samples for block in self.blocks)

    @property
    def span(self) -> Span | None:
        """The first and the last time; None if no time can be believed."""
        spans = [span for block in self.blocks for span in block.spans]
        if not spans:
            return None
        return min(begin for begin, _ in spans), max(end for _, end in spans)

    @property
    def outliers(self) -> list[Outliers]:
        """Samples dated before or after the times of their files: at most one of each."""
        found = [each for block in self.blocks for each in block.outliers]
        sides = [[o for o in found if o.away_s < 0], [o for o in found if o.away_s >= 0]]
        return [_together(side) for side in sides if side]


@dataclass(slots=True)
class _FeedSoFar:
    sessions: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    units: dict[str, dict[str, None]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    blocks: dict[tuple[str, tuple[tuple[str, str], ...]], list[IndexedBlock]] = field(
        default_factory=dict
    )


def feeds(
    summaries: Iterable[FileSummary], since_at: float | None = None, until_at: float | None = None
) -> list[FeedOverview]:
    """Return an overview of each feed, in the order of their addresses.

    Blocks that a file has only of other times [s, Unix time] are left out.
    """
    wanted = window(since_at, until_at)
    feeds_so_far: dict[str, _FeedSoFar] = {}
    for summary in summaries:
        for source in summary.sources:
            for block in source.blocks:
                if any(overlap(span, wanted) for span in block.dated):
                    feed = feeds_so_far.setdefault(source.feed, _FeedSoFar())
                    feed.sessions[source.agent_session] = None
                    _declare(feed, source)
                    feed.files[summary.name] = None
                    layout = block.name, tuple(block.fields.items())
                    feed.blocks.setdefault(layout, []).append(block)
    return [
        FeedOverview(
            address,
            tuple(feed.sessions),
            tuple(map(joined, feed.blocks.values())),
            tuple(feed.files),
            {name: next(reversed(texts)) for name, texts in feed.units.items()},
            feed.labels,
            {name: (*reversed(texts),)[1:] for name, texts in feed.units.items() if len(texts) > 1},
        )
        for address, feed in sorted(feeds_so_far.items())
    ]


def _declare(feed: _FeedSoFar, source: IndexedSource) -> None:
    """Take in the units and labels of a source that is newer than those before."""
    for name, text in source.units.items():
        units = feed.units.setdefault(f"{source.feed}.{name}", {})
        units.pop(text, None)
        units[text] = None
    feed.labels |= {f"{source.feed}.{name}": text for name, text in source.labels.items()}


def joined(parts: Sequence[IndexedBlock]) -> IndexedBlock:
    """Return blocks of one layout, from several files, as one."""
    interval_s, pause_s = None, 0.0
    intervals_s = [part.interval_s for part in parts if part.interval_s is not None]
    if intervals_s:
        interval_s = median(intervals_s)
        pause_s = longest_pause_s(interval_s)
    spans = union((span for part in parts for span in part.spans), pause_s)
    outliers = tuple(each for part in parts for each in part.outliers)
    return replace(
        parts[0],
        samples=sum(part.samples for part in parts),
        interval_s=interval_s,
        spans=tuple(spans),
        outliers=outliers,
    )


def _together(outliers: Sequence[Outliers]) -> Outliers:
    return Outliers(
        sum(each.samples for each in outliers),
        min(each.from_at for each in outliers),
        max(each.until_at for each in outliers),
        max((each.away_s for each in outliers), key=abs),
    )
