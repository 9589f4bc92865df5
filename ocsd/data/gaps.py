"""Finds the data that are missing in a folder, and the causes. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from ocsd.aggregator.numbers.hole import HOLES_FEED_NAME
from ocsd.data.index import CutOff, FileSummary
from ocsd.data.spans import Span, between, longest_pause_s, overlap, union, window

EVERY_FEED: Final = "*"


class GapKind(StrEnum):
    """The evidence for missing data."""

    HOLE = "hole"
    """The aggregator recorded that messages are lost."""
    SILENCE = "silence"
    """No samples came for more than five times the usual interval."""
    DAMAGE = "damage"
    """Bytes of a file cannot be read, or were cut off by a repair for that reason."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without data."""

    kind: GapKind
    feed: str
    """Its address; ``*`` if every feed is meant."""
    from_at: float
    until_at: float
    """When [s, Unix time]."""
    count: int
    """Number of lost messages; 0 if it is not known."""
    estimated: bool
    """True if only the times show the gap."""
    cause: str

    @property
    def span(self) -> Span:
        """From and until [s, Unix time]."""
        return self.from_at, self.until_at


@dataclass(slots=True)
class _FeedTimes:
    """Times of the samples of a feed."""

    spans: list[Span]
    sessions: dict[str, float]
    intervals_s: list[float]

    @property
    def pause_s(self) -> float | None:
        if not self.intervals_s:
            return None
        return longest_pause_s(median(self.intervals_s))


def find(
    summaries: Sequence[FileSummary],
    cut_off: Sequence[CutOff] = (),
    now_at: float = float("inf"),
) -> list[Gap]:
    """Return all gaps of consecutive files, in the order of time.

    No silence ends after now [s, Unix time], even if the clock of a device is ahead.
    """
    heard = _heard(summaries, now_at)
    return _find(summaries, cut_off, heard, _silences_of_all(heard))


def find_among(
    feeds: set[str], summaries: Sequence[FileSummary], cut_off: Sequence[CutOff], now_at: float
) -> list[Gap]:
    """Return the gaps of some feeds, as `find` does, with those of all feeds together."""
    heard = _heard(summaries, now_at)
    wanted = {feed: times for feed, times in heard.items() if feed in feeds}
    gaps = _find(summaries, cut_off, wanted, _silences_of_all(heard))
    return [gap for gap in gaps if gap.feed in {*feeds, EVERY_FEED}]


def _find(
    summaries: Sequence[FileSummary],
    cut_off: Sequence[CutOff],
    heard: Mapping[str, _FeedTimes],
    everywhere: Sequence[Gap],
) -> list[Gap]:
    holes = _holes(summaries)
    explained: dict[str, list[Span]] = defaultdict(list)
    for gap in (*holes, *everywhere):
        explained[gap.feed].append(gap.span)
    silences = [
        gap
        for feed, times in heard.items()
        for gap in _silences(feed, times)
        if not any(overlap(gap.span, span) for span in explained[feed])
        and not any(_explains(span, gap.span, times) for span in explained[EVERY_FEED])
    ]
    gaps = [*holes, *everywhere, *silences, *_damage(summaries), *_repaired(summaries, cut_off)]
    return sorted(gaps, key=lambda gap: (gap.from_at, gap.until_at, gap.feed))


def within(gaps: Iterable[Gap], since_at: float | None, until_at: float | None) -> list[Gap]:
    """Return the gaps that reach into a time [s, Unix time]."""
    return [gap for gap in gaps if overlap(gap.span, window(since_at, until_at))]


def _holes(summaries: Iterable[FileSummary]) -> list[Gap]:
    gaps = []
    for hole in dict.fromkeys(hole for summary in summaries for hole in summary.holes):
        span = hole.from_time, hole.until_time
        gaps.append(Gap(GapKind.HOLE, hole.feed, *span, hole.count, hole.estimated, hole.cause))
    return gaps


def _heard(summaries: Iterable[FileSummary], now_at: float) -> dict[str, _FeedTimes]:
    """Return the times of each feed's samples, without the feed of holes, which has few."""
    heard: dict[str, _FeedTimes] = {}
    for summary in summaries:
        for source in summary.sources:
            if source.feed.endswith(f".feeds.{HOLES_FEED_NAME}"):
                continue
            times = heard.setdefault(source.feed, _FeedTimes([], {}, []))
            for block in source.blocks:
                times.spans += [(begin, end) for begin, end in block.spans if begin <= now_at]
                if block.interval_s is not None:
                    times.intervals_s.append(block.interval_s)
                begin = min((span[0] for span in block.spans), default=float("inf"))
                earlier = times.sessions.get(source.agent_session, begin)
                times.sessions[source.agent_session] = min(begin, earlier)
    return heard


def _silences_of_all(heard: Mapping[str, _FeedTimes]) -> list[Gap]:
    """Return the silences of all feeds together, if there are several feeds."""
    pauses_s = [times.pause_s for times in heard.values() if times.pause_s is not None]
    if len(pauses_s) < 2:
        return []
    spans = union((span for times in heard.values() for span in times.spans), min(pauses_s))
    cause = "no samples of any feed: aggregator or router were away, or all agents"
    return [Gap(GapKind.SILENCE, EVERY_FEED, *span, 0, True, cause) for span in between(spans)]


def _silences(feed: str, times: _FeedTimes) -> list[Gap]:
    if times.pause_s is None:
        return []
    return [
        Gap(GapKind.SILENCE, feed, *span, 0, True, _cause(times, span))
        for span in between(union(times.spans, times.pause_s))
    ]


def _cause(times: _FeedTimes, silence: Span) -> str:
    if any(silence[0] < began_at <= silence[1] for began_at in times.sessions.values()):
        return "the agent was restarted"
    return "no samples came, although the agent was not restarted"


def _explains(everywhere: Span, silence: Span, times: _FeedTimes) -> bool:
    """Return whether a feed was silent because all were: for hardly longer than they."""
    longer_s = (silence[1] - silence[0]) - (everywhere[1] - everywhere[0])
    return overlap(everywhere, silence) and longer_s <= 2 * (times.pause_s or 0.0)


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
    for part in cut_off:
        begin, end = spans.get(part.file) or (float(part.opened_at), float(part.opened_at))
        cause = (
            f"{part.file}: a repair cut off {part.size_bytes} bytes that were not a whole frame; "
            f"they are in {part.kept}"
        )
        gaps.append(Gap(GapKind.DAMAGE, EVERY_FEED, begin, end, 0, True, cause))
    return gaps
