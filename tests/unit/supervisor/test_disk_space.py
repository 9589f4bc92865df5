"""When a disk will be full, and when to warn of it."""

import re

import pytest

from ocsd.supervisor.disk_space import (
    LEAST_STEP_S,
    RATE_WINDOW_S,
    SPANS_S,
    DiskHistory,
    Space,
    warning,
)

GB = 10**9
HOUR_S = 3600.0


def history(*free_gb, step_s=300.0, total_gb=100):
    found = DiskHistory()
    for number, each in enumerate(free_gb):
        found = found.after(number * step_s, Space(total_gb * GB, round(each * GB)))
    return found


@pytest.mark.parametrize(
    ("free_gb", "full_in_s"),
    [
        ((), None),
        ((50,), None),
        ((50, 50), None),
        ((50, 51), None),  # something was deleted
        ((50, 49), 49 * 300.0),
        ((52, 51, 50), 50 * 300.0),
        ((1, 0), 0.0),
        ((0,), 0.0),
    ],
)
def test_a_disk_is_full_when_the_rate_has_used_the_rest(free_gb, full_in_s):
    assert history(*free_gb).full_in_s == full_in_s


def test_no_rate_is_told_of_a_moment():
    assert history(50, 40, step_s=299.0).full_in_s is None


def test_the_rate_is_that_of_the_last_half_hour():
    before = history(90, 50)
    now = before.after(300.0 + RATE_WINDOW_S, Space(100 * GB, 50 * GB))
    assert now.full_in_s is None


def test_a_measurement_every_ten_seconds_is_kept_for_three_hours_at_least_and_not_for_ever():
    found = DiskHistory()
    for number in range(3000):
        found = found.after(10.0 * number, Space(100 * GB, 50 * GB))
    times = [at_s for at_s, _ in found.samples]
    assert times[-1] - times[0] >= SPANS_S[-1]
    assert len(times) <= SPANS_S[-1] / LEAST_STEP_S + 2
    assert times[-1] == 29990.0


def filled(free_gb, step_s=60.0):
    return history(*free_gb, step_s=step_s).surely_full_in_s


def lasting(minutes, gb_per_min, left_gb):
    return [left_gb + gb_per_min * (minutes - number) for number in range(minutes + 1)]


def test_a_disk_that_fills_steadily_is_told_four_times_as_far_ahead_as_that_lasts():
    assert filled(lasting(4, 1, 10)) is None
    assert filled(lasting(5, 1, 20)) == pytest.approx(20 * 60.0)
    assert filled(lasting(5, 1, 21)) is None
    assert filled(lasting(30, 0.1, 12)) == pytest.approx(2 * HOUR_S)
    assert filled(lasting(30, 0.1, 13)) is None
    assert filled(lasting(180, 0.1, 72)) == pytest.approx(12 * HOUR_S)
    assert filled(lasting(180, 0.1, 73)) is None


def test_of_what_other_programs_write_for_a_while_nothing_follows():
    copied = [60.0] * 20 + [60.0 - number for number in range(10)] + [51.0] * 10
    for minutes in range(2, len(copied) + 1):
        assert filled(copied[:minutes]) is None
    noisy = [60.0 + 5 * (number % 3 == 0) for number in range(200)]
    assert filled(noisy) is None
    emptied = [*lasting(60, 0.5, 20), 50.0]
    assert filled(emptied) is None


def test_a_disk_that_has_grown_begins_anew():
    grown = history(50, 49).after(600.0, Space(200 * GB, 149 * GB))
    assert (grown.full_in_s, len(grown.samples)) == (None, 1)


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (
            Space(GB, GB, read_only=True),
            "the disk of state (/s) is mounted read-only: nothing can be written to it",
        ),
        (
            Space(GB, GB, total_files=1000, free_files=5),
            "the disk of state (/s) has room for 5 more files only, whatever their size: "
            "100 % of its 1000 files are in use",
        ),
        (Space(GB, GB, total_files=1000, free_files=500), ""),
        (Space(GB, GB), ""),  # btrfs does not tell how many files it can hold
    ],
)
def test_it_warns_of_a_disk_that_takes_nothing_although_it_has_space(space, text):
    assert warning(["state"], "/s", DiskHistory().after(0.0, space)) == text


def test_it_warns_at_nine_tenths_and_before():
    assert warning(["data"], "/data", history()) == ""
    assert warning(["data"], "/data", history(50, 49.99)) == ""
    assert warning(["data"], "/data", history(9)) == (
        "the disk of data (/data) is 91 % full: 8.4G free"
    )
    hours = history(*lasting(180, 0.05, 30), step_s=60.0)
    assert warning(["state", "logs"], "/var", hours) == (
        "the disk of state, logs (/var) is 70 % full: 27.9G free, full in 10 h at this rate"
    )
    assert warning(["data"], "/data", history(0)).endswith("100 % full: 0B free")
    assert "full in 3 days at this rate" in warning(["data"], "/d", history(9.01, 9.0))
    assert re.search(r"full in \d+ s at this rate", warning(["data"], "/d", history(10, 0.1)))


def test_a_file_system_without_a_size_is_full():
    assert Space(0, 0).used == 1.0
