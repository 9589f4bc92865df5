"""What an instance has left is kept as long as somebody may ask for it."""

from ocsd.aggregator.disk.ledger import MEMORY_OF_SOURCE_S
from ocsd.supervisor.retention import KEPT_S, is_expired

NOW_AT = 1_795_000_000.0


def test_nothing_is_deleted_that_the_aggregator_still_wants():
    assert KEPT_S >= MEMORY_OF_SOURCE_S
    assert not is_expired(NOW_AT, NOW_AT + KEPT_S)
    assert is_expired(NOW_AT, NOW_AT + KEPT_S + 1)
