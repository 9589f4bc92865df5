"""Detection of feeds that should go on but have fallen silent."""

from collections.abc import Sequence
from math import inf
from typing import Final

from ocsd.agent.feeds.silence import USUAL_INTERVALS
from ocsd.agent.operations.session import OpSession

COUNTED_S: Final = 1.0
"""Publications closer together count as one, because an agent may publish in bursts [s]."""

LEAST_INTERVALS: Final = 3
"""Number of intervals from which the rate of a feed is known."""

LEARNING_S: Final = 30.0
"""Time of a run in which its rate shows; no silence is reported before [s]."""

LEAST_SILENCE_S: Final = 10.0
"""A silence lasts at least this long, and longer than `USUAL_INTERVALS` [s]."""

_FORGETTING: Final = 0.95
"""Factor on the longest interval with each further one: some twenty are remembered."""

_HELD_UP_S: Final = 5.0
"""Longest time between two polls; a process that polls later was held up, with its feeds."""


class Freshness:
    """The usual interval of a feed, its latest publication, and the runs that publish to it.

    One thread may call `count` while another calls `complaint`.

    Attributes
    ----------
    counted_at_s : float
        Time of the publication that was counted last [s, monotonic].
    """

    def __init__(self) -> None:
        self.counted_at_s = -inf
        self._first_at_s = 0.0
        self._polled_at_s = -inf
        self._owners: Sequence[OpSession] = ()
        self._intervals = 0
        self._longest_s = 0.0

    def count(self, now_s: float, owners: Sequence[OpSession]) -> None:
        """Count a publication at `now_s` [s]; call it only `COUNTED_S` after `counted_at_s`.

        `owners` are the runs of processes that may have published: the feed is expected to
        go on while all of them run. It is empty if the publication came from none.
        """
        interval_s, self.counted_at_s = now_s - self.counted_at_s, now_s
        if list(owners) != list(self._owners):
            # Another run may have another rate.
            self._owners, self._first_at_s = owners, now_s
            self._intervals, self._longest_s = 0, 0.0
            return
        self._longest_s = max(interval_s, self._longest_s * _FORGETTING)
        self._intervals += 1

    def complaint(self, now_s: float) -> str:
        """Return e.g. ``silent for 42 s (expected every 1 s)``; empty if all is well.

        Call it every second or so, with the time [s, monotonic].
        """
        pause_s, self._polled_at_s = now_s - self._polled_at_s, now_s
        if not self._owners or any(run.status != "running" for run in self._owners):
            return ""
        if pause_s > _HELD_UP_S or any(run.degraded for run in self._owners):
            # The silence begins now: the interval until here is not usual for the feed.
            self.counted_at_s = max(now_s - COUNTED_S, self.counted_at_s)
            return ""
        silent_s = now_s - self.counted_at_s
        if silent_s < self._limit_s(now_s):
            return ""
        return f"silent for {silent_s:.0f} s (expected every {max(1, round(self._longest_s))} s)"

    def _limit_s(self, now_s: float) -> float:
        """Return the silence from which on to complain; infinite until the rate is known [s]."""
        if self._intervals < LEAST_INTERVALS or now_s - self._first_at_s < LEARNING_S:
            return inf
        return max(LEAST_SILENCE_S, USUAL_INTERVALS * self._longest_s)
