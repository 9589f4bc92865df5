"""Missing data of some feeds, by the rule of `ocsd data gaps`. Pure."""

from collections.abc import Iterable, Sequence
from itertools import chain
from statistics import median

from ocsd.data.gaps import Gap, find_among, within
from ocsd.data.index import CutOff, FileSummary
from ocsd.data.spans import Span, between, longest_pause_s, overlap, union
from ocsd.data.trend.digest import all_blocks


def holes(
    summaries: Sequence[FileSummary],
    cut_off: Sequence[CutOff],
    feeds: Iterable[str],
    span: Span,
    now_at: float,
) -> list[Gap]:
    """Return the missing data of some feeds that reach into a time [s, Unix time].

    `summaries` are those of all files, or digests of them, because a silence may be longer than
    the time, and the usual interval must not depend on it.
    """
    return within(find_among(set(feeds), summaries, cut_off, now_at), *span)


def silences(summaries: Iterable[FileSummary], feed: str, name: str, span: Span) -> list[Span]:
    """Return the silences of a field that reach into a time [s, Unix time]."""
    blocks = [
        block
        for source, block in all_blocks(summaries)
        if source.feed == feed and name in block.fields
    ]
    intervals_s = [block.interval_s for block in blocks if block.interval_s is not None]
    if not intervals_s:
        return []
    pause_s = longest_pause_s(median(intervals_s))
    spans = union(chain.from_iterable(block.spans for block in blocks), pause_s)
    return [silence for silence in between(spans) if overlap(silence, span)]
