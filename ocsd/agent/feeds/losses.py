"""Messages of a feed that could be neither sent nor kept, and why."""

from math import inf
from typing import Final

MOST_LOSSES: Final = 1000
"""Number of losses that are remembered for the aggregator."""

SHOWN_S: Final = 600.0
"""Time for which the agent's status shows a loss [s]."""


class Losses:
    """The numbers of lost messages, each with its cause."""

    def __init__(self) -> None:
        self._causes: dict[int, str] = {}
        self._count = 0
        self._latest_at_s = -inf

    def add(self, number: int, cause: str, now_s: float) -> None:
        """Remember the loss of a message at `now_s` [s, monotonic]."""
        self._causes[number] = cause
        if len(self._causes) > MOST_LOSSES:
            del self._causes[next(iter(self._causes))]
        self._count += 1
        self._latest_at_s = now_s

    def rows(self, after: int) -> list[list[int | str]]:
        """Return ``[number, cause]`` of each loss from number `after` on."""
        return [[number, cause] for number, cause in self._causes.items() if number >= after]

    def has(self, number: int) -> bool:
        """Return whether a message is lost."""
        return number in self._causes

    def complaint(self, now_s: float) -> str:
        """Return e.g. ``lost message 7: it is too large``; empty if all is well again."""
        if now_s - self._latest_at_s > SHOWN_S:
            return ""
        number, cause = next(reversed(self._causes.items()))
        if self._count == 1:
            return f"lost message {number}: {cause}"
        return f"lost {self._count} messages, the latest, {number}, because {cause}"
