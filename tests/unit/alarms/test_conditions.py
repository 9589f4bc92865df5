"""Whether a condition holds."""

from math import inf, nan

import pytest

from ocsd.alarms.conditions import DiskFacts, HostFacts
from ocsd.alarms.parsing import parse
from ocsd.alarms.slope import Slope

FACTS = HostFacts(
    states={"thermo1": frozenset({"up", "degraded"}), "router": frozenset({"up"})},
    operations={("acq", "thermo1"): "stopped"},
    recorder=frozenset({"recording", "stale"}),
    disks={"data": DiskFacts(4.0, 3600.0), "logs": DiskFacts(90.0)},
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("thermo1 up", True),
        ("thermo1 degraded", True),
        ("thermo1 failed", False),
        ("thermo1 not up", False),
        ("thermo2 not up", None),
        ("router not up", False),
        ("acq of thermo1 stopped", True),
        ("acq of thermo1 not running", True),
        ("init of thermo1 failed", None),
        ("recorder not recording", False),
        ("recorder stale", True),
        ("disk data free < 5%", True),
        ("disk data full in < 1d", True),
        ("disk logs full in < 1d", False),
        ("disk state free < 5%", None),
    ],
)
def test_states_are_compared(text, holds):
    assert parse(text).condition.holds(FACTS) is holds


def test_nothing_is_known_of_a_recorder_that_is_not_there():
    assert parse("recorder recording").condition.holds(HostFacts()) is None


@pytest.mark.parametrize(
    ("sign", "values"),
    [
        (">", [6]),
        (">=", [5, 6]),
        ("<", [4]),
        ("<=", [4, 5]),
        ("==", [5]),
        ("!=", [4, 6]),
    ],
)
def test_values_are_compared(sign, values):
    condition = parse(f"a.b.c {sign} 5").condition
    assert [value for value in (4, 5, 6) if condition.holds(value, is_raised=False)] == values


def test_a_sample_that_is_no_number_says_nothing():
    assert parse("a.b.c != 5").condition.holds(nan, is_raised=False) is None
    assert parse("a.b.c > 5 until < 4").condition.holds(nan, is_raised=True) is None
    assert parse("a.b.c > 5").condition.holds(inf, is_raised=False) is True


def test_an_alarm_with_hysteresis_is_over_at_the_second_limit():
    condition = parse("a.b.c > 5 until < 4").condition
    assert [condition.holds(value, is_raised=False) for value in (4.5, 5.5)] == [False, True]
    assert [condition.holds(value, is_raised=True) for value in (4.5, 4, 3.9)] == [
        True,
        True,
        False,
    ]


def test_a_rate_is_that_over_the_whole_time():
    condition = parse("rate of a.b.c > 2 per min").condition
    slope, rates = Slope(condition.over_s), []
    for at in range(0, 200, 10):
        slope, rate = slope.after(1e9 + at, at / 25)
        rates.append(rate)
    assert all(condition.holds(rate) is None for rate in rates[:6])
    assert rates[6:] == pytest.approx([0.04] * 14)
    assert condition.holds(rates[-1]) is True


def test_a_rate_needs_newer_samples_and_numbers():
    slope, _ = Slope(1.0).after(10.0, 1.0)
    for at, value in ((10.0, 5.0), (9.0, 5.0), (12.0, nan)):
        same, rate = slope.after(at, value)
        assert same == slope
        assert rate != rate


def test_a_fast_feed_needs_little_memory():
    slope = Slope(60.0)
    for count in range(20_000):
        slope, rate = slope.after(count / 100, count / 100)
    assert len(slope.points) < 70
    assert rate == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("thermo1.temps.stage > 5", "thermo1"),
        ("rate of thermo1.temps.stage > 5 per s", "thermo1"),
        ("thermo1.temps silent for 5s", "thermo1"),
        ("thermo1 failed", "thermo1"),
        ("acq of thermo1 stopped", "thermo1"),
        ("recorder stale", "recorder"),
        ("disk data free < 5%", "disk data"),
    ],
)
def test_alarms_about_one_thing_have_one_cause(text, cause):
    assert parse(text).condition.cause == cause
