"""The numbers of a source: seen, lost, missing and framed."""

from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from ocsd.journal.ranges import Ranges

# Gaps beyond this many are given up, the oldest first: a bound for hostile senders, far
# above the gaps that an outage leaves.
MOST_GAPS: Final = 1000


@dataclass(slots=True)
class Numbering:
    """The numbers of one feed in one life of its agent."""

    from_zero: bool = False
    """Whether counting begins at number 0; else at the lowest that came in."""
    seen: Ranges = field(default_factory=Ranges)
    """Numbers that came in."""
    lost: Ranges = field(default_factory=Ranges)
    """Numbers that no agent can deliver any more; one that comes in after all is taken."""
    void: Ranges = field(default_factory=Ranges)
    """Numbers that came in and were lost afterwards; they are not taken again."""
    framed: Ranges = field(default_factory=Ranges)
    """Numbers in frames, or without a block for one; not stored, because recovery finds them out.
    """
    end: int = 0
    """The number after the highest one that is known to exist."""
    times: dict[int, float] = field(default_factory=dict)
    """Unix time [s] of the messages at the edges of gaps."""
    duplicates: int = 0
    """Messages that came again."""

    @property
    def first(self) -> int:
        """The number at which counting begins."""
        if self.from_zero:
            return 0
        return next(iter(self.seen.bounds), self.end)

    def add(self, number: int, at: float) -> None:
        """Add the number of a message of Unix time `at` [s] that came in."""
        bounds = self.seen.bounds
        self.times[number] = at
        if bounds and bounds[-1] == number:
            # The one before is not an edge any more, unless it is the first of its range.
            if bounds[-2] != number - 1:
                self.times.pop(number - 1, None)
            bounds[-1] = number + 1
        else:
            self.seen.add(number, number + 1)
            for near in (number - 1, number, number + 1):
                if near - 1 in self.seen and near + 1 in self.seen:
                    self.times.pop(near, None)
        self.end = max(self.end, number + 1)

    def add_run(self, first: int, end: int, at: float) -> None:
        """Add the numbers from `first` to before `end`, which follow the last one that came in.

        `at` is the Unix time [s] of the last message.
        """
        bounds = self.seen.bounds
        # The one before is not an edge any more, unless it is the first of its range.
        if bounds[-2] != first - 1:
            self.times.pop(first - 1, None)
        self.times[end - 1] = at
        bounds[-1] = end
        self.end = max(self.end, end)

    def extend_to(self, end: int) -> None:
        """Add that all numbers below `end` exist."""
        self.end = max(self.end, end)

    def missing(self) -> list[tuple[int, int]]:
        """Return the half-open ranges that are neither seen nor lost."""
        if self.seen.bounds == [self.first, self.end]:
            return []
        gaps = self.seen.missing(self.first, self.end)
        return [part for gap in gaps for part in self.lost.missing(*gap)]

    @property
    def missing_count(self) -> int:
        """Count of the numbers that are neither seen nor lost."""
        return sum(end - first for first, end in self.missing())

    @property
    def lost_count(self) -> int:
        """Count of the numbers that are lost and have not come in after all."""
        missed = (gap for lost in self.lost for gap in self.seen.missing(*lost))
        return self.void.count + sum(end - first for first, end in missed)

    def leave(self, first: int, end: int) -> None:
        """Add numbers that another aggregator records; none of them is waited for."""
        for begin, after in self.seen.missing(first, end):
            self.seen.add(begin, after)
            self.framed.add(begin, after)
        self.end = max(self.end, end)

    def give_up(self, first: int, end: int) -> None:
        """Add lost numbers, which may include some that came in."""
        self.lost.add(first, end)
        missed = Ranges(chain.from_iterable(self.seen.missing(first, end)))
        for begin, after in missed.missing(first, end):
            self.void.add(begin, after)
        self.end = max(self.end, end)

    @property
    def crowded(self) -> bool:
        """True if there are more than `MOST_GAPS` gaps."""
        return len(self.seen) > MOST_GAPS + 1

    def surplus(self) -> list[tuple[int, int]]:
        """Return the missing numbers in gaps beyond `MOST_GAPS`, the oldest ones."""
        gaps = self.seen.missing(self.first, self.end)
        return [part for gap in gaps[:-MOST_GAPS] for part in self.lost.missing(*gap)]

    def forget_surplus(self) -> None:
        """Join everything before the last `MOST_GAPS` gaps, where no number is taken any more."""
        gaps = self.seen.missing(self.first, self.end)
        for first, end in gaps[:-MOST_GAPS]:
            self.seen.add(first, end)
        begin, joined = next(iter(self.seen), (0, 0))
        self.lost = self.lost.ending_after(joined)
        self.void = self.void.ending_after(joined)
        # None of these numbers is waited for, so frames need not be split there any more.
        self.framed.add(begin, joined)
        edges = {first for first, _ in self.seen} | {end - 1 for _, end in self.seen}
        self.times = {number: at for number, at in self.times.items() if number in edges}

    def splits(self, first: int, last: int) -> list[int]:
        """Return the places where a frame of messages from `first` to `last` must be split.

        It must not reach over numbers that are in another frame, or missing: readers
        search times by bisection, over all frames of a field.
        """
        places = [begin for begin, _ in self.seen.missing(first, last)]
        places += [begin for begin, _ in self.framed if first < begin <= last]
        return sorted(places)

    def around(self, first: int, end: int) -> tuple[float | None, float | None]:
        """Return the Unix times [s] of the messages before and after a gap.

        None stands for a message that has not come in.
        """
        before = max((n for n in self.times if n < first), default=-1)
        after = min((n for n in self.times if n >= end), default=-1)
        return self.times.get(before), self.times.get(after)

    def to_json(self) -> dict[str, Any]:
        """Return the form that `from_json` reads."""
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
        """Return the numbering that `to_json` has described."""
        return cls(
            from_zero=stored["from_zero"],
            seen=Ranges(stored["seen"]),
            lost=Ranges(stored["lost"]),
            void=Ranges(stored.get("void", ())),
            end=stored["end"],
            times=dict(stored["times"]),
        )
