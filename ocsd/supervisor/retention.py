"""How long is kept what an instance that has left the site file published last."""

from typing import Final

KEPT_S: Final = 30 * 86400.0
"""Should the instance come back, the aggregator still knows for so long what it lacks of an
earlier life (`ocsd.aggregator.disk.ledger.MEMORY_OF_SOURCE_S`), and asks for nothing older."""


def is_expired(newest_at: float, now_at: float) -> bool:
    """Tell whether nobody will ask for messages any more.

    Parameters
    ----------
    newest_at : float
        When the newest of them was written [s, Unix time].
    now_at : float
        The time [s, Unix time].
    """
    return now_at - newest_at > KEPT_S
