"""Times on the command line."""

import time

import click
import pytest

from ocsd.cli.screen.moment import PastTime
from ocsd.text.times import utc

EIGHT_S = 1_795_377_600.0


def read(text):
    return PastTime().convert(text, None, None)


def test_an_age_is_counted_from_now():
    assert read("90s") == pytest.approx(time.time() - 90, abs=5)


def test_a_date_is_in_utc_and_may_be_as_the_commands_print_it():
    assert read("2026-11-22T20:00") == read(utc(EIGHT_S)) == EIGHT_S


@pytest.mark.parametrize("text", ["", "1y", "2026-13-01", "12", "0001-01-01 local", "9e99w"])
def test_anything_else_is_refused_with_what_is_right(text):
    with pytest.raises(click.UsageError, match=r"is not a time; write an age \(90m, .*20:00\)"):
        read(text)
