"""A limit to failed logins, by person and by address, without a clock of its own."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

MOST_KEYS: Final = 10_000
"""Persons and addresses that are remembered at a time."""


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """The failures that are allowed in a time."""

    failures: int
    window_s: float
    """Time in which that many failures are allowed [s]; afterwards they are forgotten."""


PERSON_LIMIT: Final = FailureLimit(10, 60.0)
ADDRESS_LIMIT: Final = FailureLimit(30, 60.0)
DOOR_LIMIT: Final = FailureLimit(600, 60.0)
"""From an address with more failures, connections are closed before they have cost anything; the
agents of a host whose tickets are out of date do not reach it."""


@dataclass(slots=True)
class _Failures:
    count: int
    since_s: float


@dataclass(slots=True)
class Attempts:
    """The failures of late, by whatever they are counted for.

    Failures are counted in windows: the first one opens a window, and when it is over the count
    is forgotten. The oldest of more than `MOST_KEYS` is forgotten first.
    """

    allowance: FailureLimit
    _failures: "OrderedDict[str, _Failures]" = field(default_factory=OrderedDict)

    def wait_s(self, key: str, now_s: float) -> float:
        """Return how long `key` has to wait for its next attempt [s]; 0 if it may try."""
        found = self._failures.get(key)
        if found is None or found.count < self.allowance.failures:
            return 0.0
        return max(0.0, found.since_s + self.allowance.window_s - now_s)

    def failed(self, key: str, now_s: float) -> int:
        """Count a failure at a time [s, monotonic]; return those of the window."""
        found = self._failures.get(key)
        if found is None or now_s - found.since_s >= self.allowance.window_s:
            found = self._failures[key] = _Failures(0, now_s)
            self._failures.move_to_end(key)
        found.count += 1
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)
        return found.count

    def excused(self, key: str) -> None:
        """Take back one failure of `key`, which was none."""
        found = self._failures.get(key)
        if found is not None and found.count:
            found.count -= 1

    def succeeded(self, key: str) -> None:
        """Forget the failures of `key`."""
        self._failures.pop(key, None)
