"""The cause of a hole, in words."""

import math
from collections.abc import Iterable
from typing import Final

from ocsd.aggregator.disk.journal import Outage
from ocsd.text.times import utc

LINK_AWAY: Final = "the aggregator had no link to the router"
SET_ASIDE: Final = "they were refused and are in quarantine"

# Outages that the cause of a hole names at most.
_MOST_OUTAGES_NAMED: Final = 3


def cause(outages: Iterable[Outage], why: str) -> str:
    """Return the cause of a hole.

    Parameters
    ----------
    outages : iterable of Outage
        The outages within the time of the hole.
    why : str
        The reason why it cannot be filled.
    """
    named = list(outages)[-_MOST_OUTAGES_NAMED:]
    if not named:
        return f"the messages did not arrive, and {why}"
    return f"{'; '.join(map(_words, named))}; and {why}"


def _words(outage: Outage) -> str:
    return f"{outage.cause} ({_span(outage.began_at, outage.ended_at)})"


def _span(began_at: float, ended_at: float) -> str:
    began, ended = _utc(began_at), _utc(ended_at)
    if began[:10] == ended[:10]:
        ended = ended[11:]
    return f"from {began} to {ended}"


def _utc(at: float) -> str:
    try:
        return utc(at)
    except ValueError:
        if math.isfinite(at):
            return "an unknown time"
        return "the beginning"
