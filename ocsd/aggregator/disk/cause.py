"""Why messages are missing, in words."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from ocsd.aggregator.disk.journal import Outage

LINK_AWAY: Final = "the aggregator had no link to the router"
SET_ASIDE: Final = "they were refused and are in quarantine"

# A hole with more outages than this was not made by any one of them.
_MOST_OUTAGES_NAMED: Final = 3


def cause(outages: Iterable[Outage], why: str) -> str:
    """Return the cause of a hole.

    Parameters
    ----------
    outages : iterable of Outage
        What lies within the time of the hole.
    why : str
        Why it cannot be filled.
    """
    named = list(outages)[-_MOST_OUTAGES_NAMED:]
    if not named:
        return f"the messages did not arrive, and {why}"
    return f"{'; '.join(_words(each) for each in named)}; and {why}"


def _words(outage: Outage) -> str:
    return f"{outage.cause} ({_span(outage.began_at, outage.ended_at)})"


def _span(began_at: float, ended_at: float) -> str:
    began, ended = _utc(began_at), _utc(ended_at)
    if began[:10] == ended[:10]:
        ended = ended[11:]
    return f"from {began} to {ended}"


def _utc(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return "an unknown time" if math.isfinite(at) else "the beginning"
