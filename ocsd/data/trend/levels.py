"""The levels of bins, and the choice between them. Pure."""

import math
from fractions import Fraction
from typing import Final

from ocsd.aggregator.frames.schema import TICKS_PER_SECOND

STEPS_S: Final = (1, 16, 256, 4096, 65536)
"""Lengths of the bins [s], ascending: 16^k."""

FOLDER_FROM_S: Final = 256
"""The finest level of the trend of a folder [s]."""

ALWAYS_KEPT_FROM_S: Final = 4096
"""Levels from this step on are always kept [s]."""

LEAST_SAMPLES: Final = 32
"""Finer levels are kept if their bins have as many samples on average."""

LEAST_SAMPLES_OF_FOLDER: Final = 4
"""The same in the trend of a folder: without it, days of slow feeds would need every frame."""

SHORTEST_COLUMN_S: Final = 2.0**-8
"""The shortest column [s]: the shortest power of two that is a whole number of ticks."""

_VAGUE_TICKS: Final = 30


def kept(step_s: int, samples: int, bins: int, least: int = LEAST_SAMPLES) -> bool:
    """Return whether a level is kept that has `samples` in `bins`."""
    return step_s >= ALWAYS_KEPT_FROM_S or samples >= least * bins


def column_s(since_at: float, until_at: float, columns: int) -> float:
    """Return the length of columns that cover a time [s, Unix time]: a power of two [s].

    It is the shortest of which at most `columns` cover the time. Columns begin at multiples of
    their length, so those of two windows are the same, and each consists of whole bins.
    """
    exponent = math.ceil(math.log2((until_at - since_at) / columns))
    length_s = max(2.0**exponent, SHORTEST_COLUMN_S)
    while _needed(since_at, until_at, length_s) > max(columns, 2):
        length_s *= 2
    return length_s


def ticks_of(step_s: float) -> int:
    """Return the length of a bin or column in ticks of 10 ns."""
    return round(step_s * TICKS_PER_SECOND)


def tick_of(at: float) -> int:
    """Return the first tick of 10 ns that is not before a time [s, Unix time].

    Floats of today's times are exact to 240 ns only. So a time that is no whole number of ticks
    stands for any within 300 ns: the time of a sample, as a float, does not leave it out.
    """
    exact = Fraction(at) * TICKS_PER_SECOND
    if exact.denominator == 1:
        return exact.numerator
    return math.ceil(exact) - _VAGUE_TICKS


def _needed(since_at: float, until_at: float, length_s: float) -> int:
    return math.ceil(until_at / length_s) - math.floor(since_at / length_s)
