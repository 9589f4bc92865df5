"""The conditions on which an alarm can be raised, and whether each holds."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

PERIODS_S: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""The units of time in conditions [s]."""


class Comparison(StrEnum):
    """A comparison of a value with a limit."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "=="
    OTHER = "!="

    def holds(self, value: float, limit: float) -> bool | None:
        """Return whether a value compares so with a limit; None if the value is no number."""
        if math.isnan(value):
            return None
        return _COMPARE[self](value, limit)

    @property
    def side(self) -> int:
        """1 if it holds for large values, -1 for small ones, 0 for neither."""
        return {">": 1, "<": -1}.get(self[0], 0)


_COMPARE: Final[Mapping[Comparison, Callable[[float, float], bool]]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.EQUAL: operator.eq,
    Comparison.OTHER: operator.ne,
}


class Bound(NamedTuple):
    """A limit, and on which side of it a value has to be."""

    comparison: Comparison
    limit: float

    def holds(self, value: float) -> bool | None:
        """Return whether a value is there; None if it is no number."""
        return self.comparison.holds(value, self.limit)

    def __str__(self) -> str:
        return f"{self.comparison} {self.limit!r}"


@dataclass(frozen=True, slots=True)
class ValueCondition:
    """A value of a field beyond a limit.

    Attributes
    ----------
    until : Bound or None
        Where the value has to be for a raised alarm to be over (hysteresis); None: wherever
        `bound` does not hold.
    """

    field: str
    bound: Bound
    until: Bound | None = None

    def holds(self, value: float, is_raised: bool) -> bool | None:
        """Return whether it holds for a sample; None if the sample is no number (NaN)."""
        if not is_raised or self.until is None:
            return self.bound.holds(value)
        over = self.until.holds(value)
        if over is None:
            return None
        return not over

    @property
    def cause(self) -> str:
        """The thing that alarms of one cause have in common: the instance."""
        return instance_of(self.field)

    def __str__(self) -> str:
        if self.until is None:
            return f"{self.field} {self.bound}"
        return f"{self.field} {self.bound} until {self.until}"


@dataclass(frozen=True, slots=True)
class RateCondition:
    """A change of a field that is too fast, or too slow.

    Attributes
    ----------
    bound : Bound
        Of the change in one `period`.
    over_s : float
        Time over which the change is measured [s].
    """

    field: str
    bound: Bound
    period: str = "s"
    over_s: float = 60.0

    def holds(self, slope: float) -> bool | None:
        """Return whether it holds for a slope [units of the field per s]; None for NaN."""
        return self.bound.holds(slope * PERIODS_S[self.period])

    @property
    def cause(self) -> str:
        """The instance."""
        return instance_of(self.field)

    def __str__(self) -> str:
        return f"rate of {self.field} {self.bound} per {self.period} over {self.over_s!r}s"


@dataclass(frozen=True, slots=True)
class SilenceCondition:
    """A feed, or all feeds of an instance, without a sample for the time of the rule."""

    source: str
    """``INSTANCE``, or ``INSTANCE.FEED``."""

    @property
    def cause(self) -> str:
        """The instance."""
        return instance_of(self.source)

    def __str__(self) -> str:
        return f"{self.source} silent"


@dataclass(frozen=True, slots=True)
class StateCondition:
    """A state or health of an instance, or of the router."""

    instance_id: str
    word: str
    negated: bool = False

    def holds(self, facts: "HostFacts") -> bool | None:
        """Return whether it holds; None if nothing is known of the instance."""
        words = facts.states.get(self.instance_id)
        if words is None:
            return None
        return (self.word in words) != self.negated

    @property
    def cause(self) -> str:
        """The instance."""
        return self.instance_id

    def __str__(self) -> str:
        return f"{self.instance_id} {_not(self.negated)}{self.word}"


@dataclass(frozen=True, slots=True)
class OperationCondition:
    """A state of an operation."""

    operation: str
    instance_id: str
    word: str
    negated: bool = False

    def holds(self, facts: "HostFacts") -> bool | None:
        """Return whether it holds; None if nothing is known of the operation."""
        state = facts.operations.get((self.operation, self.instance_id))
        if state is None:
            return None
        return (self.word == state) != self.negated

    @property
    def cause(self) -> str:
        """The instance."""
        return self.instance_id

    def __str__(self) -> str:
        return f"{self.operation} of {self.instance_id} {_not(self.negated)}{self.word}"


@dataclass(frozen=True, slots=True)
class RecorderCondition:
    """A condition of the recorder: ``recording``, ``losing`` (messages), ``stale`` (feeds)."""

    word: str
    negated: bool = False

    def holds(self, facts: "HostFacts") -> bool | None:
        """Return whether it holds; None if nothing is known of a recorder."""
        if facts.recorder is None:
            return None
        return (self.word in facts.recorder) != self.negated

    @property
    def cause(self) -> str:
        """The recorder."""
        return "recorder"

    def __str__(self) -> str:
        return f"recorder {_not(self.negated)}{self.word}"


@dataclass(frozen=True, slots=True)
class DiskCondition:
    """A disk of the host with little space, or that will be full soon.

    Attributes
    ----------
    use : str
        ``data``, ``state`` or ``logs``.
    measure : str
        ``free``, in percent of its size, or ``full in``, in seconds.
    """

    use: str
    measure: str
    bound: Bound

    def holds(self, facts: "HostFacts") -> bool | None:
        """Return whether it holds; None if nothing is known of the disk.

        A disk that does not fill is never full: no limit of time is below that.
        """
        disk = facts.disks.get(self.use)
        if disk is None:
            return None
        if self.measure == "free":
            return self.bound.holds(disk.free_percent)
        if disk.full_in_s is None:
            return self.bound.holds(math.inf)
        return self.bound.holds(disk.full_in_s)

    @property
    def cause(self) -> str:
        """The disk."""
        return f"disk {self.use}"

    def __str__(self) -> str:
        unit = "%" if self.measure == "free" else "s"
        return f"disk {self.use} {self.measure} {self.bound}{unit}"


FieldCondition = ValueCondition | RateCondition
"""Conditions on the samples of a field."""

PolledCondition = StateCondition | OperationCondition | RecorderCondition | DiskCondition
"""Conditions on what the daemon tells."""

Condition = FieldCondition | SilenceCondition | PolledCondition


class DiskFacts(NamedTuple):
    """The space on a disk."""

    free_percent: float
    full_in_s: float | None = None
    """Time until it is full at the present rate [s]; None if it does not fill."""


class HostFacts(NamedTuple):
    """The facts about a host at one time; what is not known is missing."""

    states: Mapping[str, frozenset[str]] = {}
    """State and health of each instance, and of ``router``."""
    operations: Mapping[tuple[str, str], str] = {}
    """The state of each operation, by its name and its instance-id."""
    recorder: frozenset[str] | None = None
    disks: Mapping[str, DiskFacts] = {}


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A condition, and for how long it has to hold before the alarm is raised [s]."""

    condition: Condition
    for_s: float = 0.0

    def __str__(self) -> str:
        if not self.for_s:
            return str(self.condition)
        return f"{self.condition} for {self.for_s!r}s"


def instance_of(name: str) -> str:
    """Return the instance-id in the name of a feed or field: ``INSTANCE.FEED.FIELD``."""
    return name.partition(".")[0]


def _not(negated: bool) -> str:
    return "not " * negated
