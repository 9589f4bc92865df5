"""What was recorded, feed by feed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from ocsd.data.index import FileSummary, IndexedBlock
from ocsd.data.spans import Span, longest_pause_s, overlap, union


@dataclass(frozen=True, slots=True)
class FeedOverview:
    """A feed over all files.

    Attributes
    ----------
    feed : str
        Its address.
    agent_sessions : tuple of str
        The runs of its agent.
    blocks : tuple of Block
        Over all files; each with one set of fields.
    files : tuple of str
        Where its data are.
    """

    feed: str
    agent_sessions: tuple[str, ...]
    blocks: tuple[IndexedBlock, ...]
    files: tuple[str, ...]

    @property
    def fields(self) -> dict[str, str]:
        """Full name and type of each field; of several types the last."""
        return {
            f"{self.feed}.{key}": kind for one in self.blocks for key, kind in one.fields.items()
        }

    @property
    def samples(self) -> int:
        """How many samples all blocks have together."""
        return sum(one.samples for one in self.blocks)

    @property
    def span(self) -> Span:
        """The first and the last time."""
        spans = [span for one in self.blocks for span in one.spans]
        return min(begin for begin, _ in spans), max(end for _, end in spans)

    def as_json(self) -> dict[str, Any]:
        """Return the overview made of JSON's types."""
        return asdict(self)


@dataclass(slots=True)
class _FeedSoFar:
    sessions: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    blocks: dict[tuple[str, tuple[tuple[str, str], ...]], list[IndexedBlock]] = field(
        default_factory=dict
    )


def feeds(
    summaries: Iterable[FileSummary], since_at: float | None = None, until_at: float | None = None
) -> list[FeedOverview]:
    """Return what was recorded of each feed, in the order of their addresses.

    Parameters
    ----------
    summaries : iterable of FileSummary
        Of the files.
    since_at, until_at : float, optional
        Leave out what a file has only of other times [s, Unix time].
    """
    begin = float("-inf") if since_at is None else since_at
    window = (begin, float("inf") if until_at is None else until_at)
    gathered: dict[str, _FeedSoFar] = {}
    for summary in summaries:
        for source in summary.sources:
            for block in source.blocks:
                if not any(overlap(span, window) for span in block.spans):
                    continue
                one = gathered.setdefault(source.feed, _FeedSoFar())
                one.sessions[source.agent_session] = None
                one.files[summary.name] = None
                one.blocks.setdefault((block.name, tuple(block.fields.items())), []).append(block)
    return [
        FeedOverview(
            feed,
            tuple(one.sessions),
            tuple(
                _block(name, dict(fields), found) for (name, fields), found in one.blocks.items()
            ),
            tuple(one.files),
        )
        for feed, one in sorted(gathered.items())
    ]


def _block(name: str, fields: Mapping[str, str], found: Sequence[IndexedBlock]) -> IndexedBlock:
    intervals_s = [one.interval_s for one in found if one.interval_s is not None]
    interval_s = median(intervals_s) if intervals_s else None
    pause_s = 0.0 if interval_s is None else longest_pause_s(interval_s)
    spans = union((span for one in found for span in one.spans), pause_s)
    return IndexedBlock(name, fields, sum(one.samples for one in found), interval_s, tuple(spans))
