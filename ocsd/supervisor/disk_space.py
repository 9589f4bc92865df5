"""Tells when a disk will be full, and whether to warn of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

RATE_WINDOW_S: Final = 1800.0
"""The rate is that of the last half hour [s]."""
SHORTEST_SPAN_S: Final = 300.0
"""No rate is told of less than this [s]."""
WARN_USED: Final = 0.9
WARN_FULL_IN_S: Final = 12 * 3600.0


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
    """The space of one file system over the last half hour."""

    samples: tuple[tuple[float, Space], ...] = field(default=())
    """Times [s, monotonic] and the space then, the oldest first."""

    def after(self, now_s: float, space: Space) -> "DiskHistory":
        """Return the history with one measurement more."""
        recent = [each for each in self.samples if now_s - each[0] <= RATE_WINDOW_S]
        if recent and recent[-1][1].total_bytes != space.total_bytes:
            recent = []  # another disk was mounted, or this one has grown
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
        (first_s, first), (last_s, last) = self.samples[0], self.samples[-1]
        if last.free_bytes <= 0:
            return 0.0
        lost_bytes, span_s = first.free_bytes - last.free_bytes, last_s - first_s
        if lost_bytes <= 0 or span_s < SHORTEST_SPAN_S:
            return None
        return last.free_bytes * span_s / lost_bytes


def warning(what: Iterable[str], path: str, history: DiskHistory) -> str:
    """Return a warning for an operator; empty if there is space enough.

    Parameters
    ----------
    what : iterable of str
        What is on this disk: ``data``, ``state``, ``logs``.
    path : str
        A folder on it.
    """
    space, full_in_s = history.now, history.full_in_s
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
    fills_soon = full_in_s is not None and full_in_s < WARN_FULL_IN_S
    if space.used < WARN_USED and not fills_soon:
        return ""
    rate = ""
    if full_in_s:
        rate = f", full in {_duration(full_in_s)} at this rate"
    return f"{disk} is {100 * space.used:.0f} % full: {_size(space.free_bytes)} free{rate}"


def _duration(span_s: float) -> str:
    for unit_s, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if span_s >= 2 * unit_s:
            return f"{span_s / unit_s:.0f} {unit}"
    return f"{span_s:.0f} s"


def _size(size_bytes: int) -> str:
    for unit_bytes, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:.1f} {unit}"
    return f"{size_bytes / 1000:.0f} kB"
