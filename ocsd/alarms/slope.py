"""The rate of change of a field, over a time."""

from dataclasses import dataclass
from math import isfinite, nan
from typing import Final

_POINTS_KEPT: Final = 60
"""Samples that are kept for the beginning of the time; between two of them more are left out."""


@dataclass(frozen=True, slots=True)
class Slope:
    """The samples of the last `over_s` seconds, thinned.

    Examples
    --------
    >>> slope = Slope(60.0)
    >>> slope, rate = slope.after(0.0, 4.0)
    >>> slope, rate = slope.after(60.0, 7.0)
    >>> rate
    0.05
    """

    over_s: float
    points: tuple[tuple[float, float], ...] = ()
    """Time [s] and value of samples, the oldest first."""

    def after(self, at: float, value: float) -> tuple["Slope", float]:
        """Return the samples after one more, and the rate up to it [per s].

        The rate is NaN until samples span the whole time, and for a sample that is no number or
        is not newer than the last one; it is left out.
        """
        points = self.points
        if not isfinite(value) or (points and at <= points[-1][0]):
            return self, nan
        begin_at = at - self.over_s
        # The newest sample that is old enough is the beginning.
        while len(points) > 1 and points[1][0] <= begin_at:
            points = points[1:]
        rate = nan
        if points and points[0][0] <= begin_at:
            rate = (value - points[0][1]) / (at - points[0][0])
        if not points or at - points[-1][0] >= self.over_s / _POINTS_KEPT:
            points = (*points, (at, value))
        return Slope(self.over_s, points), rate
