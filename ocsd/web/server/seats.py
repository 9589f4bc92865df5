"""The number of clients that are served at the same time, kind by kind."""

from collections import Counter
from typing import Final

from ocsd.web.refusals import BusyError

MOST_VIEWERS: Final = 500
"""Streams of one kind at the same time."""


class Seats:
    """Counts streams, or other things, and refuses more than `most` of one kind."""

    def __init__(self, most: int = MOST_VIEWERS, what: str = "viewers of this") -> None:
        self._most = most
        self._what = what
        self._taken: Counter[str] = Counter()

    def take(self, kind: str) -> None:
        """Take a seat.

        Raises
        ------
        BusyError
            If all are taken.
        """
        if self._taken[kind] >= self._most:
            raise BusyError(
                f"there are {self._most} {self._what} already, which is the limit of this page; "
                "close one, or try again later"
            )
        self._taken[kind] += 1

    def leave(self, kind: str) -> None:
        """Give a seat back."""
        self._taken[kind] -= 1

    def taken(self, kind: str) -> int:
        """Return the number of seats that are taken."""
        return self._taken[kind]
