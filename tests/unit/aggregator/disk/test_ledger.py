"""The ledger forgets what is old, by a clock that nobody can set."""

from ocsd.aggregator.disk.ledger import MEMORY_OF_SOURCE_S, Ledger
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.supervisor.retention import CONFIRMED_AFTER_S
from tests.unit.aggregator.rig import START

FEED = "observatory.thermo1.feeds.temps"
OLD_AT = START + MEMORY_OF_SOURCE_S + 100


def ledger_of_two_lives():
    """Return the ledger of a feed that was recorded in two lives of its agent, and their keys."""
    ledger = Ledger(START)
    keys = [(SourceKey(FEED, repr(START + number)), True) for number in (1, 2)]
    for number, (key, numbered) in enumerate(keys):
        source = ledger.source(key, numbered, "observatory.thermo1")
        source.received_at = START + 10 + number
    return ledger, keys


def test_an_earlier_life_is_forgotten_when_it_has_been_old_for_a_day():
    ledger, (first, last) = ledger_of_two_lives()
    ledger.forget_old(Instant(OLD_AT, 0.0))
    assert set(ledger.sources) == {first, last}
    ledger.forget_old(Instant(OLD_AT + CONFIRMED_AFTER_S, CONFIRMED_AFTER_S))
    assert set(ledger.sources) == {last}


def test_a_clock_that_is_a_year_ahead_for_some_hours_makes_nothing_be_recorded_twice():
    ledger, keys = ledger_of_two_lives()
    for hour in range(20):
        ledger.forget_old(Instant(OLD_AT, hour * 3600.0))
    ledger.forget_old(Instant(START + 100, 20 * 3600.0))
    for hour in range(21, 44):
        ledger.forget_old(Instant(OLD_AT, hour * 3600.0))
    assert set(ledger.sources) == set(keys)
