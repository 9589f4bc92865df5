"""Which numbered messages of a feed have come in."""

from dataclasses import dataclass, field
from typing import Any, Final

from ocsd.aggregator.numbers.ranges import Ranges

# Gaps beyond this many are given up, the oldest first: a bound for hostile
# senders, far above what an outage leaves.
MOST_GAPS: Final = 1000


@dataclass(slots=True)
class Numbering:
    """The numbers of one feed in one run of its agent.

    Attributes
    ----------
    from_zero : bool
        Whether number 0 is where counting begins; else the lowest that came in.
    seen : Ranges
        What came in.
    lost : Ranges
        What nobody can give any more; should one of these come in after all, it
        is taken.
    end : int
        The number after the highest one that is known to exist.
    void : Ranges
        What came in and was lost afterwards; it is not taken again.
    framed : Ranges
        What is in frames, or has nothing to be framed; not kept on the disk, for
        recovery knows it.
    times : dict of int to float
        Unix time [s] of the messages at the edges of gaps.
    duplicates : int
        Messages that came again.
    """

    from_zero: bool = False
    seen: Ranges = field(default_factory=Ranges)
    lost: Ranges = field(default_factory=Ranges)
    void: Ranges = field(default_factory=Ranges)
    framed: Ranges = field(default_factory=Ranges)
    end: int = 0
    times: dict[int, float] = field(default_factory=dict)
    duplicates: int = 0

    @property
    def first(self) -> int:
        """Where counting begins."""
        if self.from_zero:
            return 0
        return self.seen.bounds[0] if self.seen.bounds else self.end

    def add(self, number: int, at: float) -> None:
        """Note that message `number`, of Unix time `at` [s], came in."""
        bounds = self.seen.bounds
        self.times[number] = at
        if bounds and bounds[-1] == number:
            # The last one is no edge any more, unless it is the first of its range.
            if bounds[-2] != number - 1:
                self.times.pop(number - 1, None)
            bounds[-1] = number + 1
        else:
            self.seen.add(number, number + 1)
            for near in (number - 1, number, number + 1):
                if near - 1 in self.seen and near + 1 in self.seen:
                    self.times.pop(near, None)
        self.end = max(self.end, number + 1)

    def announce(self, end: int) -> None:
        """Note that all numbers below `end` exist."""
        self.end = max(self.end, end)

    def missing(self) -> list[tuple[int, int]]:
        """Return the half-open ranges that are neither seen nor lost."""
        if self.seen.bounds == [self.first, self.end]:
            return []
        gaps = self.seen.missing(self.first, self.end)
        return [part for gap in gaps for part in self.lost.missing(*gap)]

    @property
    def missing_count(self) -> int:
        """How many numbers are neither seen nor lost."""
        return sum(end - first for first, end in self.missing())

    @property
    def lost_count(self) -> int:
        """How many numbers are lost and have not come in after all."""
        missed = (gap for lost in self.lost for gap in self.seen.missing(*lost))
        return self.void.count + sum(end - first for first, end in missed)

    def give_up(self, first: int, end: int) -> None:
        """Note that nobody can give these numbers any more, not even those that came in."""
        self.lost.add(first, end)
        missed = Ranges(bound for gap in self.seen.missing(first, end) for bound in gap)
        for begin, after in missed.missing(first, end):
            self.void.add(begin, after)
        self.end = max(self.end, end)

    @property
    def crowded(self) -> bool:
        """True if there are more than `MOST_GAPS` gaps."""
        return len(self.seen) > MOST_GAPS + 1

    def surplus(self) -> list[tuple[int, int]]:
        """Return what is missing in gaps beyond `MOST_GAPS`, the oldest ones."""
        gaps = self.seen.missing(self.first, self.end)
        return [part for gap in gaps[:-MOST_GAPS] for part in self.lost.missing(*gap)]

    def forget_surplus(self) -> None:
        """Join what lies before the last `MOST_GAPS` gaps; it is taken no more."""
        gaps = self.seen.missing(self.first, self.end)
        for first, end in gaps[:-MOST_GAPS]:
            self.seen.add(first, end)
        begin = self.seen.bounds[1] if self.seen.bounds else 0
        self.lost = Ranges(bound for lost in self.lost if lost[1] > begin for bound in lost)
        self.void = Ranges(bound for void in self.void if void[1] > begin for bound in void)
        # Not one part of it is waited for, so frames need not be split there any more.
        self.framed.add(self.seen.bounds[0] if self.seen.bounds else 0, begin)
        edges = {first for first, _ in self.seen} | {end - 1 for _, end in self.seen}
        self.times = {number: at for number, at in self.times.items() if number in edges}

    def splits(self, first: int, last: int) -> list[int]:
        """Return where a frame of messages from `first` to `last` must be split.

        It must not reach over what is in another frame, or is missing and will
        be: readers search times by bisection, over all frames of a field.
        """
        found = [begin for begin, _ in self.seen.missing(first, last)]
        found += [begin for begin, _ in self.framed if first < begin <= last]
        return sorted(found)

    def around(self, first: int, end: int) -> tuple[float | None, float | None]:
        """Return the Unix times [s] of the messages before and after a gap.

        None stands for a message that has not come in.
        """
        before = max((n for n in self.times if n < first), default=None)
        after = min((n for n in self.times if n >= end), default=None)
        return (
            None if before is None else self.times[before],
            None if after is None else self.times[after],
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` makes the same sequence of."""
        return {
            "from_zero": self.from_zero,
            "seen": self.seen.bounds,
            "lost": self.lost.bounds,
            "void": self.void.bounds,
            "end": self.end,
            "times": [list(pair) for pair in self.times.items()],
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Numbering":
        """Return a sequence that `to_json` has described."""
        return cls(
            from_zero=stored["from_zero"],
            seen=Ranges(stored["seen"]),
            lost=Ranges(stored["lost"]),
            void=Ranges(stored.get("void", ())),
            end=stored["end"],
            times=dict(stored["times"]),
        )
