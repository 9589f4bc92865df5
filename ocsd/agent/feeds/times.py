"""The rule for the times of samples, for agents and for the aggregator.

A time is a Unix time in seconds, and at most a year from now. The wrong times that real
instruments send are further away: milliseconds and nanoseconds, monotonic clocks, clocks that
begin at 1970, 1980 or 2000 after a power cut, receivers whose count of GPS weeks has begun
again (20 years). Times that are right are nearer: the memory of a logger that is read late,
local time in place of UTC, and a host whose own clock was not corrected for some months.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from ocsd.text.times import utc

FARTHEST_S: Final = 366 * 86400.0
"""Time between now and the time of a sample at most [s]."""

LATEST_TIME: Final = 2**63 / 1e8 - 1
"""The end of G3Time, which counts 10 ns ticks in 64 bits [Unix s]."""

CLOCK_IS_SET_AFTER: Final = 1_577_836_800.0
"""2020: a host with an earlier time has no clock of its own, and was not told the time yet."""

TIME_UNKNOWN: Final = 0.0
"""In place of the present time: every time that files can hold is allowed [Unix s]."""

_LONGEST_UPTIME_S: Final = 10 * 366 * 86400.0
_UNITS: Final = ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds"))


def allowed_times(now_at: float) -> tuple[float, float]:
    """Return the earliest and the latest Unix time that a sample may have now [s].

    While the host does not know the time, every time that files can hold is allowed.
    """
    if now_at < CLOCK_IS_SET_AFTER:
        return -LATEST_TIME, LATEST_TIME
    return now_at - FARTHEST_S, now_at + FARTHEST_S


def first_bad_time(times: Sequence[Any], now_at: float) -> int | None:
    """Return the place of the first of `times` that no sample can have now; None without any."""
    earliest, latest = allowed_times(now_at)
    if set(map(type, times)) <= {int, float}:
        # No comparison with a NaN holds.
        bad = (place for place, at in enumerate(times) if not earliest <= at <= latest)
    else:
        bad = (place for place, at in enumerate(times) if _is_bad(at, earliest, latest))
    return next(bad, None)


def time_fault(at: object, now_at: float) -> str:
    """Return why `at` is not the time of a sample, as the end of a sentence that names it."""
    rule = "a timestamp is a Unix time in seconds, as time.time() returns it"
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        return f"is no number; {rule}"
    if isinstance(at, float) and not isfinite(at):
        return f"is not finite; {rule}"
    earliest, latest = allowed_times(now_at)
    for factor, unit in _UNITS:
        if earliest * factor <= at <= latest * factor:
            return f"looks like {unit}; {rule}"
    if 0 <= at < _LONGEST_UPTIME_S:
        return f"looks like time.monotonic(), or a clock that was never set; {rule}"
    return f"is {_moment(at)}, more than a year from now; {rule}"


def _is_bad(at: object, earliest: float, latest: float) -> bool:
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        return True
    return not earliest <= at <= latest


def _moment(at: float) -> str:
    try:
        return utc(at)
    except ValueError:
        return "no time of the calendar"
