"""A set of whole numbers that is nearly one range."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


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
        """Return how many ranges there are, not how many numbers."""
        return len(self.bounds) // 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self.bounds == other.bounds

    __hash__ = None  # type: ignore[assignment] # it changes

    @property
    def count(self) -> int:
        """How many numbers are in the set."""
        return sum(self.bounds[1::2]) - sum(self.bounds[::2])

    def add(self, first: int, end: int) -> None:
        """Add all numbers from `first` to before `end`."""
        bounds = self.bounds
        if bounds and bounds[-1] == first:  # the next one, nearly always
            bounds[-1] = end
            return
        begin, after = bisect_left(bounds, first), bisect_right(bounds, end)
        middle = [first] if begin % 2 == 0 else []
        if after % 2 == 0:
            middle.append(end)
        bounds[begin:after] = middle

    def remove(self, number: int) -> None:
        """Take one number out, if it is there."""
        place = bisect_right(self.bounds, number)
        if place % 2:
            first, end = self.bounds[place - 1 : place + 1]
            middle = [first, number] if first < number else []
            self.bounds[place - 1 : place + 1] = (
                [*middle, number + 1, end] if number + 1 < end else middle
            )

    def missing(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the numbers from `first` to before `end` that are not in the set."""
        found = []
        for begin, after in self:
            if after <= first:
                continue
            if begin >= end:
                break
            if begin > first:
                found.append((first, begin))
            first = after
        if first < end:
            found.append((first, end))
        return found
