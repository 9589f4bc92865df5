"""The cause of a hole, in words."""

import math
from collections.abc import Iterable
from typing import Final

from ocsd.journal.format import Outage
from ocsd.text.times import utc

LINK_AWAY: Final = "the aggregator had no link to the router"
SET_ASIDE: Final = "they were refused and are in quarantine"

# Outages that the cause of a hole names at most.
_MOST_OUTAGES_NAMED: Final = 3


def cause(outages: Iterable[Outage], why: str) -> str:
    """Return the cause of a hole: the outages in its time, and why it cannot be filled."""
    named = list(outages)[-_MOST_OUTAGES_NAMED:]
    if not named:
        return f"the messages did not arrive, and {why}"
    return f"{'; '.join(map(_words, named))}; and {why}"


def _words(outage: Outage) -> str:
    began, ended = _utc(outage.began_at), _utc(outage.ended_at)
    if began[:10] == ended[:10]:
        ended = ended[11:]
    return f"{outage.cause} (from {began} to {ended})"


def _utc(at: float) -> str:
    try:
        return utc(at)
    except ValueError:
        return "an unknown time" if math.isfinite(at) else "the beginning"
