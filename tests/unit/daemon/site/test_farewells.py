"""A host that was stopped is told apart from one that is away for another reason."""

import pytest
from twisted.internet.defer import fail, succeed

from ocsd.bus.caller import Caller
from ocsd.daemon.site.farewells import FAREWELL, Farewells
from ocsd.errors import UnreachableError

LAB = Caller(session=1, authid="lab-2", authrole="host")
WORD = {"host": "lab-2", "by": "otto\n(operator)"}
AWAY = UnreachableError("no daemon of host 'lab-2' is connected to the site's router")


@pytest.fixture
def farewells():
    return Farewells(now=lambda: 0.0)


def outcome(deferred):
    got = []
    deferred.addBoth(got.append)
    return getattr(got[0], "value", got[0])


def test_a_question_to_a_stopped_host_is_refused_with_who_stopped_it_and_the_next_step(farewells):
    assert outcome(farewells.explained("lab-2", fail(AWAY))) is AWAY
    farewells.heard(LAB, WORD, is_closed=True)
    assert str(outcome(farewells.explained("lab-2", fail(AWAY)))) == (
        "host 'lab-2' was stopped at 1970-01-01T00:00:00Z by otto (operator); "
        "ocsd start --host lab-2 on its machine starts it"
    )
    assert outcome(farewells.explained("lab-3", fail(AWAY))) is AWAY


def test_another_failure_stays_as_it_is(farewells):
    farewells.heard(LAB, WORD, is_closed=True)
    fault = RuntimeError("a fault")
    assert outcome(farewells.explained("lab-2", fail(fault))) is fault


def test_once_it_has_answered_it_is_not_stopped_any_more(farewells):
    farewells.heard(LAB, WORD, is_closed=True)
    assert outcome(farewells.explained("lab-2", succeed({"status": {}}))) == {"status": {}}
    assert outcome(farewells.explained("lab-2", fail(AWAY))) is AWAY


def test_what_it_answers_while_it_stops_does_not_take_its_word_back(farewells):
    farewells.heard(LAB, WORD, is_closed=True)
    farewells.explained("lab-2", succeed({"status": {}, FAREWELL: True}))
    assert "lab-2" in farewells.text("lab-2")


def test_on_a_closed_site_a_host_says_it_of_itself_only(farewells):
    farewells.heard(LAB, {"host": "lab-3", "by": "x"}, is_closed=True)
    assert farewells.text("lab-3") == ""
    farewells.heard(LAB, {"host": "lab-3"}, is_closed=False)
    assert "by somebody" in farewells.text("lab-3")
