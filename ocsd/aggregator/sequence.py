"""Which numbered messages of a feed have come in."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

# Holes beyond this many are joined into one: a bound for hostile senders, far
# above what an outage leaves.
MOST_HOLES: Final = 1000


@dataclass(slots=True)
class Sequence:
    """The numbers seen of one feed in one run of its agent.

    Counting starts at the first number that arrives: what an agent published
    before the recorder listened is no loss of the recorder's. Lower numbers are
    still taken, once, should they come late.

    Attributes
    ----------
    runs : list of [int, int]
        Seen numbers as ascending, disjoint, half-open ranges.
    duplicates : int
        Messages that came again.
    """

    runs: list[list[int]] = field(default_factory=list)
    duplicates: int = 0

    def add(self, number: int) -> bool:
        """Note that message `number` came in.

        Returns
        -------
        bool
            False if it was there before; it must not be recorded again.
        """
        runs = self.runs
        if runs and number == runs[-1][1]:  # the next one, nearly always
            runs[-1][1] += 1
            return True
        place = bisect_right(runs, number, key=_start)
        if place and number < runs[place - 1][1]:
            self.duplicates += 1
            return False
        self._insert(place, number)
        return True

    @property
    def missing(self) -> int:
        """How many numbers between the first and the last have not come in."""
        runs = self.runs
        if not runs:
            return 0
        return runs[-1][1] - runs[0][0] - sum(end - start for start, end in runs)

    def holes(self) -> list[tuple[int, int]]:
        """Return the missing numbers as half-open ranges."""
        ends = [end for _, end in self.runs[:-1]]
        starts = [start for start, _ in self.runs[1:]]
        return list(zip(ends, starts, strict=True))

    def _insert(self, place: int, number: int) -> None:
        runs = self.runs
        joins_left = place > 0 and runs[place - 1][1] == number
        joins_right = place < len(runs) and runs[place][0] == number + 1
        if joins_left and joins_right:
            runs[place - 1][1] = runs.pop(place)[1]
        elif joins_left:
            runs[place - 1][1] += 1
        elif joins_right:
            runs[place][0] = number
        else:
            runs.insert(place, [number, number + 1])
            if len(runs) > MOST_HOLES:
                # Forget the oldest hole as if it had been filled.
                runs[1][0] = runs.pop(0)[0]


def _start(run: list[int]) -> int:
    return run[0]
