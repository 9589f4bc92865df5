"""A reason fits into a line that people read."""

import pytest

from ocsd.text.reason import AS_ABOVE, LONGEST_REASON, Said, clause, shortened


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


REFUSED = "agent.py: error: argument --mode: invalid choice: 'acqq' (choose from idle, acq)"


def test_a_long_reason_is_said_once():
    said = Said()
    headline = f"failed (target up): ended with exit code 2: {REFUSED}; next try in 4.5 s"
    assert said.once(headline) == headline
    assert said.once(REFUSED) == AS_ABOVE
    assert said.once(f"ended with exit code 2: {REFUSED}") == AS_ABOVE
    assert said.once(f"ended while no daemon ran: {REFUSED}") == (
        f"ended while no daemon ran: {AS_ABOVE}"
    )
    assert said.once(f"put down by bob; ended with exit code 2: {REFUSED}") == (
        f"put down by bob; {AS_ABOVE}"
    )


def test_what_is_new_or_short_is_said():
    said = Said()
    assert said.once("stop requested") == said.once("stop requested") == "stop requested"
    assert said.once("") == ""
    other = "agent.py: error: argument --mode: expected one argument"
    assert [said.once(REFUSED), said.once(other)] == [REFUSED, other]


def test_blanks_make_no_difference():
    said = Said()
    said.once(REFUSED)
    assert said.has("  " + REFUSED.replace(" ", "\n   "))
