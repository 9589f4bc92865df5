"""A reason fits into a line that people read."""

import pytest

from ocsd.text.reason import LONGEST, shortened


@pytest.mark.parametrize("length", [0, LONGEST])
def test_what_is_short_is_told_as_it_is(length):
    assert shortened("x" * length) == "x" * length


def test_what_is_long_keeps_what_is_wrong_and_what_to_do():
    told = shortened("OSError: no device" + "x" * LONGEST + "; pass --port")
    assert len(told) == LONGEST
    assert told.startswith("OSError: no device")
    assert told.endswith("; pass --port")
