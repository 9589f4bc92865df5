"""What is missing in a folder, and why. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import median
from typing import Any, Final

from ocsd.aggregator.numbers.hole import HOLES_FEED_NAME
from ocsd.data.index import CutOff, FileSummary
from ocsd.data.spans import Span, between, longest_pause_s, overlap, union

EVERY_FEED: Final = "*"


class GapKind(StrEnum):
    """How it is known that something is missing."""

    HOLE = "hole"
    """The aggregator recorded that messages are lost."""
    SILENCE = "silence"
    """No samples came for more than five times the usual interval."""
    DAMAGE = "damage"
    """Bytes of a file cannot be read, or were cut off by a repair for that reason."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing.

    Attributes
    ----------
    kind : GapKind
    feed : str
        Its address; ``*`` if every feed is meant.
    from_at, until_at : float
        When [s, Unix time].
    count : int
        How many messages are lost; 0 if that is not known.
    estimated : bool
        True if only the times tell of it.
    cause : str
    """

    kind: GapKind
    feed: str
    from_at: float
    until_at: float
    count: int
    estimated: bool
    cause: str

    @property
    def span(self) -> Span:
        """From and until [s, Unix time]."""
        return self.from_at, self.until_at

    def as_json(self) -> dict[str, Any]:
        """Return the gap made of JSON's types."""
        return asdict(self)


@dataclass(slots=True)
class _Heard:
    """When samples of a feed came."""

    spans: list[Span]
    sessions: dict[str, float]
    intervals_s: list[float]

    @property
    def pause_s(self) -> float | None:
        return longest_pause_s(median(self.intervals_s)) if self.intervals_s else None


def find(summaries: Sequence[FileSummary], cut_off: Sequence[CutOff] = ()) -> list[Gap]:
    """Return everything that is missing, in the order of time.

    Parameters
    ----------
    summaries : sequence of FileSummary
        Of consecutive files.
    cut_off : sequence of CutOff
        What repairs have cut off these files.
    """
    holes = _holes(summaries)
    heard = _heard(summaries)
    everywhere = _silences_of_all(heard)
    told: dict[str, list[Span]] = defaultdict(list)
    for gap in (*holes, *everywhere):
        told[gap.feed].append(gap.span)
    silences = [
        gap
        for feed, one in heard.items()
        for gap in _silences(feed, one)
        if not any(overlap(gap.span, span) for span in told[feed])
        and not any(_explains(span, gap.span, one.pause_s or 0.0) for span in told[EVERY_FEED])
    ]
    gaps = [*holes, *everywhere, *silences, *_damage(summaries), *_repaired(summaries, cut_off)]
    return sorted(gaps, key=lambda gap: (gap.from_at, gap.until_at, gap.feed))


def within(gaps: Iterable[Gap], since_at: float | None, until_at: float | None) -> list[Gap]:
    """Return the gaps that reach into a time [s, Unix time]."""
    begin = float("-inf") if since_at is None else since_at
    window = (begin, float("inf") if until_at is None else until_at)
    return [gap for gap in gaps if overlap(gap.span, window)]


def _holes(summaries: Iterable[FileSummary]) -> list[Gap]:
    holes = dict.fromkeys(hole for summary in summaries for hole in summary.holes)
    return [
        Gap(
            GapKind.HOLE,
            hole.feed,
            hole.from_time,
            hole.until_time,
            hole.count,
            hole.estimated,
            hole.cause,
        )
        for hole in holes
    ]


def _heard(summaries: Iterable[FileSummary]) -> dict[str, _Heard]:
    """Return when each feed was heard; that of the holes has nothing to say all day."""
    heard: dict[str, _Heard] = {}
    for summary in summaries:
        for source in summary.sources:
            if source.feed.endswith(f".feeds.{HOLES_FEED_NAME}"):
                continue
            one = heard.setdefault(source.feed, _Heard([], {}, []))
            for block in source.blocks:
                one.spans += block.spans
                if block.interval_s is not None:
                    one.intervals_s.append(block.interval_s)
                begin = min(span[0] for span in block.spans)
                earlier = one.sessions.get(source.agent_session, begin)
                one.sessions[source.agent_session] = min(begin, earlier)
    return heard


def _silences_of_all(heard: Mapping[str, _Heard]) -> list[Gap]:
    """Return when every feed was silent, if there are several."""
    pauses_s = [one.pause_s for one in heard.values() if one.pause_s is not None]
    if len(pauses_s) < 2:
        return []
    spans = union((span for one in heard.values() for span in one.spans), min(pauses_s))
    cause = "no samples of any feed: aggregator or router were away, or all agents"
    return [
        Gap(GapKind.SILENCE, EVERY_FEED, begin, end, 0, True, cause)
        for begin, end in between(spans)
    ]


def _silences(feed: str, one: _Heard) -> list[Gap]:
    if one.pause_s is None:
        return []
    return [
        Gap(GapKind.SILENCE, feed, begin, end, 0, True, _cause(one, (begin, end)))
        for begin, end in between(union(one.spans, one.pause_s))
    ]


def _cause(one: _Heard, silence: Span) -> str:
    if any(silence[0] < began_at <= silence[1] for began_at in one.sessions.values()):
        return "the agent was started anew"
    return "no samples came, from the same run of the agent"


def _explains(everywhere: Span, silence: Span, pause_s: float) -> bool:
    """Tell whether a feed was silent because all were: for hardly longer than they."""
    longer_s = (silence[1] - silence[0]) - (everywhere[1] - everywhere[0])
    return overlap(everywhere, silence) and longer_s <= 2 * pause_s


def _damage(summaries: Iterable[FileSummary]) -> list[Gap]:
    gaps = []
    for summary in summaries:
        begin, end = summary.span or (float(summary.opened_at), float(summary.opened_at))
        for damage in summary.damage:
            cause = f"{summary.name}: {damage.length} bytes at {damage.offset}: {damage.reason}"
            gaps.append(Gap(GapKind.DAMAGE, EVERY_FEED, begin, end, 0, True, cause))
    return gaps


def _repaired(summaries: Iterable[FileSummary], cut_off: Iterable[CutOff]) -> list[Gap]:
    """Return the damage that repairs have cut off, at the same times as before."""
    spans = {summary.name: summary.span for summary in summaries}
    gaps = []
    for each in cut_off:
        begin, end = spans.get(each.file) or (float(each.opened_at), float(each.opened_at))
        cause = (
            f"{each.file}: {each.size_bytes} bytes that were no whole frame were cut off by a "
            f"repair, and are in {each.kept}"
        )
        gaps.append(Gap(GapKind.DAMAGE, EVERY_FEED, begin, end, 0, True, cause))
    return gaps
