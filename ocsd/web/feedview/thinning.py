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
    missing = np.isnan(values)
    low = _first_of_each(np.minimum, np.where(missing, np.inf, values), begins)
    high = _first_of_each(np.maximum, np.where(missing, -np.inf, values), begins)
    return np.union1d(low, high)


def _first_of_each(
    extreme: np.ufunc, values: NDArray[np.float64], begins: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the index of the first extreme value of each stretch, which begin at `begins`."""
    lengths = np.diff(begins, append=len(values))
    found = np.flatnonzero(values == np.repeat(extreme.reduceat(values, begins), lengths))
    stretches = np.searchsorted(begins, found, side="right")
    return found[np.unique(stretches, return_index=True)[1]]


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
