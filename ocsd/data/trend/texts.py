"""Text fields over time: the changes only. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_CHANGES: Final = 1000
"""Most changes of a field in the trend of a file; a field that has more has none there."""

Change = tuple[int, str]
"""Time [ticks of 10 ns] and the text from then on."""


def changes(ticks: NDArray[np.int64], texts: Sequence[str]) -> list[Change]:
    """Return the samples at which a text field changed.

    Also the first one after each missing sample is there, even if the text is the same: samples
    that come late, in another file, fit in before it.

    Parameters
    ----------
    ticks : ndarray of int64, shape (n,)
        Times, in any order.
    texts : sequence of str, of n
        The texts.
    """
    order = np.argsort(ticks, kind="stable")
    times = ticks[order]
    steps = np.diff(times)
    ordered = [texts[at] for at in order.tolist()]
    told = np.ones(len(times), dtype=bool)
    if len(steps):
        told[1:] = steps > 1.5 * float(np.median(steps))
    before = None
    for at, text in enumerate(ordered):
        told[at] |= text != before
        before = text
    return [(int(times[at]), ordered[at]) for at in np.flatnonzero(told).tolist()]


def joined(parts: Iterable[Sequence[Change]]) -> list[Change]:
    """Return the changes of several parts as one, in the order of time."""
    return sorted((change for part in parts for change in part), key=lambda change: change[0])


def thinned(found: Sequence[Change], step: int, most: int = MOST_CHANGES) -> list[Change]:
    """Return changes if they are at most `most`, else the last one in each bin of `step` ticks."""
    if len(found) <= most:
        return list(found)
    return [list(group)[-1] for _, group in groupby(found, key=lambda change: change[0] // step)]


def real(found: Iterable[Change]) -> list[Change]:
    """Return only those that differ from the one before."""
    return [next(group) for _, group in groupby(found, key=lambda change: change[1])]
