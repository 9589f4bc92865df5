"""Noise with a spectrum that falls as 1/f, as slowly drifting sensors have."""

import numpy as np
from numpy.typing import NDArray

LEAST_MADE = 256
"""Number of samples that are made at a time: one alone takes as many calls of numpy."""


class PinkNoise:
    """An endless stream of 1/f-like noise in several independent channels.

    Rows of random numbers are added, each of which changes half as often as the
    one before (the Voss-McCartney algorithm).

    Parameters
    ----------
    channels : int
        Number of channels.
    rows : int
        Number of octaves that the 1/f part of the spectrum spans.
    random : numpy.random.Generator
        Source of randomness.
    """

    def __init__(self, channels: int, rows: int, random: np.random.Generator) -> None:
        self._random = random
        self._scale = 1.0 / np.sqrt(rows)
        self._next = 0
        self._present = random.standard_normal((rows, channels))
        self._made: NDArray[np.float64] = np.empty((0, channels))

    def take(self, count: int) -> NDArray[np.float64]:
        """Return the next samples.

        Parameters
        ----------
        count : int
            Number of samples of each channel.

        Returns
        -------
        numpy.ndarray of float64, shape (count, channels)
            Noise with unit variance.
        """
        missing = count - len(self._made)
        if missing > 0:
            self._made = np.concatenate([self._made, self._make(max(missing, LEAST_MADE))])
        taken, self._made = self._made[:count], self._made[count:]
        return taken

    def _make(self, count: int) -> NDArray[np.float64]:
        rows, channels = self._present.shape
        index = np.arange(self._next, self._next + count)
        total: NDArray[np.float64] = np.zeros((count, channels))
        for row in range(rows):
            # Which value of this row a sample has, counted from the present one.
            value = (index >> row) - (max(self._next - 1, 0) >> row)
            fresh = self._random.standard_normal((int(value[-1]), channels))
            values = np.concatenate([self._present[row : row + 1], fresh])
            total += values[value]
            self._present[row] = values[-1]
        self._next += count
        total *= self._scale
        return total
