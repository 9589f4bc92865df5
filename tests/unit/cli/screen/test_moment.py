"""Times on the command line."""

import time

import click
import pytest

from ocsd.cli.screen.moment import PastTime
from ocsd.text.times import utc

EIGHT_S = 1_795_377_600.0


def read(text):
    return PastTime().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "age_s"), [("90s", 90), ("1.5h", 5400), ("7d", 604800), ("2w", 1209600)]
)
def test_an_age_is_counted_from_now(text, age_s):
    assert read(text) == pytest.approx(time.time() - age_s, abs=5)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T20:00",
        "2026-11-22 20:00",
        "2026-11-22T20:00:00",
        "2026-11-22T20:00Z",
        "2026-11-22T20:00:00Z",
        "2026-11-22T20:00:00.000Z",
        "2026-11-22T21:00+01:00",
        utc(EIGHT_S),
    ],
)
def test_a_date_is_in_utc_and_may_be_as_the_commands_print_it(text):
    assert read(text) == EIGHT_S


def test_a_date_alone_is_its_beginning():
    assert read("2026-11-22") == EIGHT_S - 20 * 3600


@pytest.mark.parametrize(
    "text", ["", "d", "-5m", "\u00b2d", "1.d", "1y", "now", "2026-13-01", "12"]
)
def test_anything_else_is_refused_with_what_is_right(text):
    with pytest.raises(click.UsageError, match=r"such as 90m or 7d nor .* 2026-11-22T20:00"):
        read(text)
