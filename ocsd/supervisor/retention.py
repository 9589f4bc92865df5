"""The time for which the last messages of an instance that has left the site file are kept."""

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")

KEPT_S: Final = 30 * 86400.0
"""Should the instance come back, the aggregator still knows for this time what it lacks of an
earlier life (`ocsd.aggregator.disk.ledger.MEMORY_OF_SOURCE_S`), and asks for nothing older [s]."""


CONFIRMED_AFTER_S: Final = 86400.0
"""Nothing is deleted before it was too old for this long, by a clock that nobody can set [s]: the
machine's clock may be wrong, and be put right soon."""


def is_expired(newest_at: float, now_at: float) -> bool:
    """Return whether the newest message, of `newest_at`, is too old to be asked for [Unix time]."""
    return now_at - newest_at > KEPT_S


class Confirmation(Generic[Key]):
    """Tells what has been too old for a day, by a clock that nobody can set."""

    def __init__(self) -> None:
        self._since_s: dict[Key, float] = {}

    def of(self, expired: Iterable[Key], now_s: float) -> set[Key]:
        """Return those that may be deleted of all that are too old at `now_s` [s, monotonic]."""
        self._since_s = {key: self._since_s.get(key, now_s) for key in expired}
        return {
            key for key, since_s in self._since_s.items() if now_s - since_s >= CONFIRMED_AFTER_S
        }
