"""Times are written in UTC with their zone, and read as people write them."""

import math
import time

import pytest

from ocsd.text.times import clock, future_time, past_time, utc

NOW_AT = 1_795_348_968.0  # 2026-11-22T12:02:48Z, 09:02:48 in Santiago
EIGHT_S = 1_795_377_600.0 - 86400  # 2026-11-21T20:00Z
HOUR_S = 3600


@pytest.fixture
def santiago(monkeypatch):
    monkeypatch.setenv("TZ", "America/Santiago")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_time_is_written_to_the_second():
    assert utc(1795348968.99) == "2026-11-22T12:02:48Z"
    assert utc(-1) == "1969-12-31T23:59:59Z"


def test_a_time_of_day_is_written_with_its_zone(santiago):
    assert clock(1795332781.9996) == "07:33:02.000Z"
    assert utc(1795332781.9) == "2026-11-22T07:33:01Z"


@pytest.mark.parametrize("unix_time_s", [math.nan, math.inf, -math.inf, 1e300, 1e18])
def test_a_time_beyond_the_calendar_is_refused(unix_time_s):
    with pytest.raises(ValueError, match=r"time|NaN"):
        utc(unix_time_s)


@pytest.mark.parametrize(
    ("text", "age_s"),
    [
        ("90s", 90),
        ("1.5h", 5400),
        ("7d", 604800),
        ("2w", 1209600),
        ("10 min ago", 600),
        ("2 hours ago", 7200),
        ("1h30m", 5400),
        ("1 day 2 h", 26 * HOUR_S),
        ("3 Weeks ago", 3 * 604800),
        ("-10m", 600),
        ("now", 0),
        ("0s", 0),
    ],
)
def test_an_age_is_counted_from_now(text, age_s):
    assert past_time(text, NOW_AT) == NOW_AT - age_s


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T20:00",
        "2026-11-21 20:00",
        "2026-11-21T20:00:00.000",
        "2026-11-21T20:00:00Z",
        "2026-11-21T20:00 UTC",
        "2026-11-21T21:00+01:00",
        "2026-11-21 17:00 -0300",
        "2026-11-21T17:00 local",
        "yesterday 20:00",
        "Yesterday 17:00 local",
        "20:00",
        "20:00Z",
        "20:00:00.0",
        "21:00 +01:00",
        "17:00 local",
    ],
)
def test_a_time_is_in_utc_or_in_the_zone_that_it_names(santiago, text):
    assert past_time(text, NOW_AT) == EIGHT_S


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-22T00:00:00Z"),
        ("yesterday", "2026-11-21T00:00:00Z"),
        ("yesterday local", "2026-11-21T03:00:00Z"),
        ("2026-11-21", "2026-11-21T00:00:00Z"),
        ("20261121", "2026-11-21T00:00:00Z"),
        ("2026-11-21 local", "2026-11-21T03:00:00Z"),
        ("today 03:12", "2026-11-22T03:12:00Z"),
        ("3:12", "2026-11-22T03:12:00Z"),
        ("12:02:48", "2026-11-22T12:02:48Z"),
        ("12:02:49", "2026-11-21T12:02:49Z"),
        # Winter time, which Santiago left on 6 September.
        ("2026-08-01 08:00 local", "2026-08-01T12:00:00Z"),
    ],
)
def test_days_and_times_of_day_are_those_that_are_past(santiago, text, expected):
    assert utc(past_time(text, NOW_AT)) == expected


def test_a_time_is_read_as_it_was_written():
    assert past_time(utc(NOW_AT), NOW_AT) == NOW_AT
    assert past_time(clock(NOW_AT), NOW_AT) == NOW_AT


@pytest.mark.parametrize(
    "text",
    [
        *("", "d", "\u00b2d", "1.d", "1y", "12", "2026-13-01", "tomorrow", "ago", "min ago"),
        *(
            "25:00",
            "03:60",
            "yesterday noon",
            "yesterday 24:00",
            "local",
            "Z",
            "2026-11-21T20:00 X",
        ),
        *("20:00 +99:00", "2026-11-21T20:00 Mars"),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="is not a time; write an age"):
        past_time(text, NOW_AT)


@pytest.mark.parametrize(
    ("text", "later_s"),
    [
        ("30m", 1800),
        ("1d12h", 36 * 3600),
        ("23:00", 10652),
        ("20:02", 86400 - 28),
        ("2026-11-23T20:02:28Z", 86400),
    ],
)
def test_a_time_to_come_is_a_duration_the_next_time_of_day_or_a_date(text, later_s):
    now_at = 1795377748.0  # 2026-11-22T20:02:28Z
    assert future_time(text, now_at) == now_at + later_s


@pytest.mark.parametrize("text", ["", "soon", "2026-11-21", "0s", "9e9d"])
def test_a_time_that_is_over_or_none_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a time|is over"):
        future_time(text, 1795377748.0)
