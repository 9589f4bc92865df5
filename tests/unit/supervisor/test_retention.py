"""What an instance has left is kept as long as somebody may ask for it."""

from ocsd.aggregator.disk.ledger import MEMORY_OF_SOURCE_S
from ocsd.supervisor.retention import CONFIRMED_AFTER_S, KEPT_S, Confirmation, is_expired

NOW_AT = 1_795_000_000.0


def test_nothing_is_deleted_that_the_aggregator_still_wants():
    assert KEPT_S >= MEMORY_OF_SOURCE_S
    assert not is_expired(NOW_AT, NOW_AT + KEPT_S)
    assert is_expired(NOW_AT, NOW_AT + KEPT_S + 1)


def test_nothing_is_deleted_before_it_was_too_old_for_a_day():
    confirmation = Confirmation()
    assert confirmation.of(["a", "b"], 0.0) == set()
    assert confirmation.of(["a"], CONFIRMED_AFTER_S - 1) == set()
    # The clock was right again in between: b was not too old after all.
    assert confirmation.of(["a", "b"], CONFIRMED_AFTER_S) == {"a"}
    assert confirmation.of(["b"], 2 * CONFIRMED_AFTER_S) == {"b"}
