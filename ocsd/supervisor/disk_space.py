"""Tells when a disk will be full, and whether to warn of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from ocsd.text.units import memory

RATE_WINDOW_S: Final = 1800.0
"""The rate that is told is that of the last half hour [s]."""
SHORTEST_SPAN_S: Final = 300.0
"""No rate is told of less than this [s]."""
SPANS_S: Final = (SHORTEST_SPAN_S, RATE_WINDOW_S, 3 * 3600.0)
"""Times over which a disk may fill steadily, which is a reason to warn [s]."""
REACH: Final = 4.0
"""A warning looks ahead for so many times the span over which the disk has filled steadily.

That is 20 minutes, 2 hours or 12 hours. Other programs write a lot for a while and stop. Nobody has
to be called for that.
"""
LEAST_STEP_S: Final = 30.0
"""Time between the measurements that are kept [s]."""
WARN_USED: Final = 0.9


@dataclass(frozen=True, slots=True)
class Space:
    """The space of a file system, for users without privileges."""

    total_bytes: int
    free_bytes: int
    total_files: int = 0
    """Number of files that it can hold; 0 if it does not tell."""
    free_files: int = 0
    read_only: bool = False

    @property
    def used(self) -> float:
        """The part that is in use, 0 to 1."""
        if self.total_bytes <= 0:
            return 1.0
        return 1.0 - self.free_bytes / self.total_bytes

    @property
    def files_used(self) -> float:
        """The part of the files that it can hold, 0 to 1."""
        if self.total_files <= 0:
            return 0.0
        return 1.0 - self.free_files / self.total_files


@dataclass(frozen=True, slots=True)
class DiskHistory:
    """The space of one file system over the last three hours."""

    samples: tuple[tuple[float, Space], ...] = field(default=())
    """Times [s, monotonic] and the space then, the oldest first."""

    def after(self, now_s: float, space: Space) -> "DiskHistory":
        """Return the history with one measurement more."""
        # One that is older than the longest span is needed as its beginning.
        old = [at_s for at_s, _ in self.samples if now_s - at_s >= SPANS_S[-1]]
        recent = list(self.samples[max(0, len(old) - 1) :])
        if recent and recent[-1][1].total_bytes != space.total_bytes:
            recent = []  # another disk was mounted, or this one has grown
        if len(recent) > 1 and recent[-1][0] - recent[-2][0] < LEAST_STEP_S:
            recent.pop()
        return replace(self, samples=(*recent, (now_s, space)))

    @property
    def now(self) -> Space | None:
        """The latest measurement; None if there is none."""
        if not self.samples:
            return None
        return self.samples[-1][1]

    @property
    def full_in_s(self) -> float | None:
        """Time until it is full, at the rate of the last half hour [s]; None if it does not fill.

        It is 0 if it is full.
        """
        if not self.samples:
            return None
        last_s, last = self.samples[-1]
        if last.free_bytes <= 0:
            return 0.0
        first_s = next(at_s for at_s, _ in self.samples if last_s - at_s <= RATE_WINDOW_S)
        rate = self._rate(first_s, last_s)
        if rate <= 0 or last_s - first_s < SHORTEST_SPAN_S:
            return None
        return last.free_bytes / rate

    @property
    def surely_full_in_s(self) -> float | None:
        """Time until it is full, if it fills so steadily that somebody has to act [s]."""
        if not self.samples:
            return None
        last_s, last = self.samples[-1]
        for span_s in SPANS_S:
            first_s, middle_s = last_s - span_s, last_s - span_s / 2
            if self.samples[0][0] > first_s:
                break
            # The slower half: of a burst that is over, or has just begun, nothing follows.
            rate = min(self._rate(first_s, middle_s), self._rate(middle_s, last_s))
            if rate > 0 and last.free_bytes / rate <= REACH * span_s:
                return last.free_bytes / rate
        return None

    def _rate(self, first_s: float, last_s: float) -> float:
        """Return how fast it has filled between two times [bytes/s]; negative if it was emptied."""
        (begin_s, begin), (end_s, end) = self._at(first_s), self._at(last_s)
        if end_s <= begin_s:
            return 0.0
        return (begin.free_bytes - end.free_bytes) / (end_s - begin_s)

    def _at(self, time_s: float) -> tuple[float, Space]:
        """Return the last measurement until a time."""
        earlier = [each for each in self.samples if each[0] <= time_s]
        return earlier[-1]


def warning(what: Iterable[str], path: str, history: DiskHistory) -> str:
    """Return a warning for an operator; empty if there is space enough.

    Parameters
    ----------
    what : iterable of str
        What is on this disk: ``data``, ``state``, ``logs``.
    path : str
        A folder on it.
    """
    space, soon_s = history.now, history.surely_full_in_s
    if space is None:
        return ""
    disk = f"the disk of {', '.join(what)} ({path})"
    if space.read_only:
        return f"{disk} is mounted read-only: nothing can be written to it"
    if space.files_used >= WARN_USED:
        return (
            f"{disk} has room for {max(space.free_files, 0)} more files only, whatever their size: "
            f"{100 * space.files_used:.0f} % of its {space.total_files} files are in use"
        )
    if space.used < WARN_USED and soon_s is None:
        return ""
    rate, full_in_s = "", soon_s or history.full_in_s
    if full_in_s:
        rate = f", full in {_duration(full_in_s)} at this rate"
    return f"{disk} is {100 * space.used:.0f} % full: {memory(space.free_bytes)} free{rate}"


def _duration(span_s: float) -> str:
    for unit_s, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if span_s >= 2 * unit_s:
            return f"{span_s / unit_s:.0f} {unit}"
    return f"{span_s:.0f} s"
