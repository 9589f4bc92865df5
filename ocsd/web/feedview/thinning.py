"""The samples that a picture shows, and where its lines break. Pure."""

import numpy as np
from numpy.typing import NDArray

from ocsd.data.spans import longest_pause_s


def thinned(times: NDArray[np.float64], values: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Return the indices of samples that have every extreme of a picture of all of them.

    Parameters
    ----------
    times : ndarray of float64, shape (n,)
        Unix times [s], ascending.
    values : ndarray of float64, shape (n,)
        Values; NaN is left out wherever there is a number beside it.
    most : int
        How many samples may be shown; at least 2.

    Returns
    -------
    ndarray of int, shape (m,)
        Ascending; all if that is no more than `most`, else the lowest and the highest sample
        of each of ``most // 2`` stretches of equal length.
    """
    count = len(times)
    if count <= max(2, most):
        return np.arange(count)
    stretches = max(1, most // 2)
    edges = np.linspace(times[0], times[-1], stretches + 1)[1:-1]
    begins = np.unique(np.concatenate(([0], np.searchsorted(times, edges))))
    begins = begins[begins < count]
    low, high = (
        np.where(np.isnan(values), np.inf, values),
        np.where(np.isnan(values), -np.inf, values),
    )
    picks = set()
    for begin, end in zip(begins, [*begins[1:], count], strict=True):
        picks.add(begin + int(np.argmin(low[begin:end])))
        picks.add(begin + int(np.argmax(high[begin:end])))
    return np.array(sorted(picks), dtype=np.intp)


def line(
    times: NDArray[np.float64], values: NDArray[np.float64], most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and values of a line: thinned, with a NaN in every silence.

    Parameters and lengths are those of `thinned`, but for the NaN in silences, which are those
    of `ocsd data gaps`.
    """
    chosen = thinned(times, values, most)
    steps = np.diff(times)
    positive = steps[steps > 0]
    if len(positive) < 2:
        return times[chosen], values[chosen]
    silences = np.flatnonzero(steps > longest_pause_s(float(np.median(positive))))
    middles = (times[silences] + times[silences + 1]) / 2
    places = np.searchsorted(times[chosen], middles)
    return np.insert(times[chosen], places, middles), np.insert(values[chosen], places, np.nan)
