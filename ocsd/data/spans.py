"""Spans of time in which samples came, and the silences between them. Pure."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ocsd.agent.feeds.silence import USUAL_INTERVALS
from ocsd.supervisor.retention import KEPT_S

Span = tuple[float, float]
"""From and until [s, Unix time], both included."""

EVER: Final[Span] = (float("-inf"), float("inf"))
"""All times."""

# Longest time that a file is written (docs/reference/wire.md), and a minute to close it.
LONGEST_WRITING_S: Final = 7200.0 + 60.0

SHORTEST_SILENCE_S: Final = 1.0
"""A pause is a silence only if it is longer than this: fast feeds have short pauses [s]."""


BELIEVED_AHEAD_S: Final = 60.0
"""Samples may be dated this much later than the last write of their file [s]: clocks differ."""

MOST_BEHIND_S: Final = KEPT_S
"""Samples may be dated this much earlier than their file [s]: spools keep none for longer."""


class Outliers(NamedTuple):
    """Samples that are dated at a time at which they cannot have been taken."""

    samples: int
    from_at: float
    until_at: float
    """The first and the last of these times [s, Unix time]."""
    away_s: float
    """Distance of the farthest from the time of its file [s]; below 0 if it is before it."""


def believable(opened_at: float, written_at: float) -> Span:
    """Return the times that samples of a file can have.

    The file was opened and last written at these Unix times [s]. Copies are newer, or older if
    a clock was wrong; so the longest time of writing counts as well.
    """
    latest = opened_at + LONGEST_WRITING_S
    if written_at > opened_at:
        latest = min(latest, written_at)
    return opened_at - MOST_BEHIND_S, latest + BELIEVED_AHEAD_S


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
