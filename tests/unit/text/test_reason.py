"""A reason fits into a line that people read."""

import pytest

from ocsd.text.reason import LONGEST_REASON, clause, shortened


@pytest.mark.parametrize("length", [0, LONGEST_REASON])
def test_a_short_reason_stays_as_it_is(length):
    assert shortened("x" * length) == "x" * length


def test_a_long_reason_keeps_its_beginning_and_its_end():
    text = shortened("OSError: no device" + "x" * LONGEST_REASON + "; pass --port")
    assert len(text) == LONGEST_REASON
    assert text.startswith("OSError: no device")
    assert text.endswith("; pass --port")


def test_a_clause_without_text_is_empty():
    assert clause(": ", "no device") == ": no device"
    assert clause(": ", "") == ""
