"""Whether a feed that should go on has fallen silent."""

from collections.abc import Sequence
from typing import Final, Protocol

COUNTED_S: Final = 1.0
"""Publications that follow each other faster count as one: an agent may publish in bursts."""

LEAST_INTERVALS: Final = 3
"""So many intervals must be known until anything is expected."""

LEARNING_S: Final = 30.0
"""In so much time of a run its habits show; nothing is said before."""

LEAST_SILENCE_S: Final = 10.0
EXPECTED_TIMES: Final = 5.0
"""Silence is what lasts longer than `LEAST_SILENCE_S` and so many times the usual interval."""

_FORGETTING: Final = 0.95
"""Of the longest interval so much is left with each further one: some twenty are remembered."""

_LOOKS_APART_S: Final = 5.0
"""A process that looks less often than this was held up itself, which excuses its feeds."""


class Owner(Protocol):
    """What fills a feed: the run of an operation."""

    @property
    def status(self) -> str | None:
        """How far it is."""

    @property
    def degraded(self) -> bool:
        """Whether it says that it does not achieve its purpose."""


class Freshness:
    """When a feed was last published to, how often it normally is, and by which runs.

    Notes may come from one thread while another looks.

    Attributes
    ----------
    counted_at_s : float
        When a publication was last counted [s, monotonic].
    """

    __slots__ = (
        "_first_at_s",
        "_intervals",
        "_longest_s",
        "_looked_at_s",
        "_owners",
        "counted_at_s",
    )

    def __init__(self) -> None:
        self.counted_at_s = float("-inf")
        self._first_at_s = 0.0
        self._looked_at_s = float("-inf")
        self._owners: Sequence[Owner] = ()
        self._intervals = 0
        self._longest_s = 0.0

    def note(self, now_s: float, owners: Sequence[Owner]) -> None:
        """Count a publication; call it only `COUNTED_S` after `counted_at_s`.

        Parameters
        ----------
        now_s : float
            The time [s, monotonic].
        owners : sequence of Owner
            The runs of processes that may have published: the feed is expected to go on
            while all of them run. Empty if it came from none.
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

        Call it every second or so.

        Parameters
        ----------
        now_s : float
            The time [s, monotonic].
        """
        pause_s, self._looked_at_s = now_s - self._looked_at_s, now_s
        if not self._owners or any(each.status != "running" for each in self._owners):
            return ""
        if pause_s > _LOOKS_APART_S or any(each.degraded for each in self._owners):
            # From here on: the next interval is not what is normal for the feed.
            self.counted_at_s = max(now_s - COUNTED_S, self.counted_at_s)
            return ""
        silent_s = now_s - self.counted_at_s
        if (
            self._intervals < LEAST_INTERVALS
            or now_s - self._first_at_s < LEARNING_S
            or silent_s < LEAST_SILENCE_S
            or silent_s < EXPECTED_TIMES * self._longest_s
        ):
            return ""
        return f"silent for {silent_s:.0f} s (expected every {max(1, round(self._longest_s))} s)"
