"""Spans of time in which samples came, and the silences between them. Pure."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from ocsd.agent.feeds.silence import USUAL_INTERVALS

Span = tuple[float, float]
"""From and until [s, Unix time], both included."""

SHORTEST_SILENCE_S: Final = 1.0
"""A pause is a silence only if it is longer than this: fast feeds have short pauses [s]."""


def longest_pause_s(interval_s: float) -> float:
    """Return the longest pause [s] that is not a silence in a feed of that usual interval [s]."""
    return max(USUAL_INTERVALS * interval_s, SHORTEST_SILENCE_S)


def union(spans: Iterable[Span], pause_s: float = 0.0) -> list[Span]:
    """Return `spans` in order, those joined that overlap or are at most `pause_s` [s] apart."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= pause_s:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def between(spans: Sequence[Span]) -> list[Span]:
    """Return the spans between spans that are in order and apart."""
    return [(before[1], after[0]) for before, after in pairwise(spans)]


def window(since_at: float | None, until_at: float | None) -> Span:
    """Return the span between two times; None means that there is no limit."""
    begin, end = float("-inf"), float("inf")
    if since_at is not None:
        begin = since_at
    if until_at is not None:
        end = until_at
    return begin, end


def overlap(first: Span, second: Span) -> bool:
    """Return whether two spans have a time in common."""
    return first[0] <= second[1] and second[0] <= first[1]
