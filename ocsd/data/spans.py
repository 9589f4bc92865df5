"""Spans of time in which samples came, and the silences between them. Pure."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

Span = tuple[float, float]
"""From and until [s, Unix time], both included."""

# A pause is worth telling when it is this much longer than the usual interval …
USUAL_INTERVALS: Final = 5.0
# … and no hiccup of a fast feed.
SHORTEST_SILENCE_S: Final = 1.0


def longest_pause_s(interval_s: float) -> float:
    """Return the longest pause [s] that is no silence in a feed of that usual interval [s]."""
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
    return [(one[1], other[0]) for one, other in pairwise(spans)]


def overlap(one: Span, other: Span) -> bool:
    """Tell whether two spans have a time in common."""
    return one[0] <= other[1] and other[0] <= one[1]
