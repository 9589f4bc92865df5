"""Times are written in UTC."""

import math

import pytest

from ocsd.text.times import utc


def test_a_time_is_written_to_the_second():
    assert utc(1795348968.99) == "2026-11-22T12:02:48Z"
    assert utc(-1) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize("unix_time_s", [math.nan, math.inf, -math.inf, 1e300, 1e18])
def test_a_time_beyond_the_calendar_is_refused(unix_time_s):
    with pytest.raises(ValueError, match=r"time|NaN"):
        utc(unix_time_s)
