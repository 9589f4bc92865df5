"""The time for which the last messages of an instance that has left the site file are kept."""

from typing import Final

KEPT_S: Final = 30 * 86400.0
"""Should the instance come back, the aggregator still knows for this time what it lacks of an
earlier life (`ocsd.aggregator.disk.ledger.MEMORY_OF_SOURCE_S`), and asks for nothing older [s]."""


CONFIRMED_AFTER_S: Final = 86400.0
"""Nothing is deleted before it was too old for this long, by a clock that nobody can set [s]: the
machine's clock may be wrong, and be put right soon."""


def is_expired(newest_at: float, now_at: float) -> bool:
    """Return whether the newest message, of `newest_at`, is too old to be asked for [Unix time]."""
    return now_at - newest_at > KEPT_S
