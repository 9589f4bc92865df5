"""A set of whole numbers that is nearly one range."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain


class Ranges:
    """Whole numbers, kept as ascending, disjoint, half-open ranges.

    Parameters
    ----------
    bounds : iterable of int
        Begin and end of each range in turn, ascending.

    Attributes
    ----------
    bounds : list of int
        The same; a number is in the set if an odd number of bounds is not above it.
    """

    __slots__ = ("bounds",)

    def __init__(self, bounds: Iterable[int] = ()) -> None:
        self.bounds = list(bounds)

    def __contains__(self, number: int) -> bool:
        return bisect_right(self.bounds, number) % 2 == 1

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.bounds[::2], self.bounds[1::2], strict=True)

    def __len__(self) -> int:
        """Return the number of ranges, not of numbers."""
        return len(self.bounds) // 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self.bounds == other.bounds

    __hash__ = None  # type: ignore[assignment] # it changes

    @property
    def count(self) -> int:
        """Number of numbers in the set."""
        return sum(self.bounds[1::2]) - sum(self.bounds[::2])

    def add(self, first: int, end: int) -> None:
        """Add all numbers from `first` to before `end`."""
        bounds = self.bounds
        if bounds and bounds[-1] == first:  # the next one, nearly always
            bounds[-1] = end
            return
        begin, after = bisect_left(bounds, first), bisect_right(bounds, end)
        # A bound at an odd place is inside or at the end of a range that is there already.
        bounds[begin:after] = [first] * (begin % 2 == 0) + [end] * (after % 2 == 0)

    def remove(self, number: int) -> None:
        """Take one number out, if it is there."""
        place = bisect_right(self.bounds, number)
        if place % 2:
            first, end = self.bounds[place - 1 : place + 1]
            below = [first, number] * (first < number)
            above = [number + 1, end] * (number + 1 < end)
            self.bounds[place - 1 : place + 1] = below + above

    def ending_after(self, number: int) -> "Ranges":
        """Return the ranges that end after `number`."""
        return Ranges(chain.from_iterable(pair for pair in self if pair[1] > number))

    def missing(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the numbers from `first` to before `end` that are not in the set."""
        gaps = []
        for begin, after in self:
            if after <= first:
                continue
            if begin >= end:
                break
            if begin > first:
                gaps.append((first, begin))
            first = after
        if first < end:
            gaps.append((first, end))
        return gaps
