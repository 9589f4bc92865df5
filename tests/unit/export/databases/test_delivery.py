"""Batches, and lines that a database refuses."""

import pytest

from ocsd.export.databases.delivery import (
    MOST_BATCH_BYTES,
    MOST_LINES,
    LinesRefusedError,
    batches,
    deliver,
)
from ocsd.export.databases.destination import DatabaseAwayError
from tests.unit.export.databases.database import MemoryDatabase

LINES = [f"m,feed=f a={number},b=1 {number}" for number in range(1000)]


def test_batches_are_bounded_and_hold_each_line_once():
    long = ["x" * (MOST_BATCH_BYTES // 2)] * 5
    for lines in (LINES * 25, long, []):
        found = list(batches(lines))
        assert [line for batch in found for line in batch] == lines
        assert all(len(batch) <= MOST_LINES for batch in found)
    assert len(list(batches(long))) == 2


def test_a_refused_value_is_isolated_and_the_rest_goes_on():
    database = MemoryDatabase()
    database.refuses = {" a=17 ": "bad value"}
    database.refuses |= {" a=17,": "bad value"}
    delivery = deliver(LINES, database.write)
    assert [(each.line, each.reason) for each in delivery.refused] == [
        ("m,feed=f a=17 17", "bad value")
    ]
    assert len(database.values) == 2 * len(LINES) - 1
    assert database.writes < 30


def test_an_integer_that_is_a_float_in_the_database_is_written_as_one():
    reason = (
        'partial write: field type conflict: input field "n" on measurement "m" is type integer, '
        "already exists as type float dropped=1"
    )
    database = MemoryDatabase()
    database.refuses = {"n=5i": reason}
    delivery = deliver(["m,feed=f n=5i,b=1.0 9"], database.write)
    assert delivery.refused == []
    assert delivery.floats == {("m", "n")}
    assert database.values == {("m,feed=f", "n", 9): "5", ("m,feed=f", "b", 9): "1.0"}


def test_lines_that_are_all_too_old_are_refused_at_once():
    sent = []

    def refuse(lines):
        sent.append(lines)
        raise LinesRefusedError(
            f"partial write: points beyond retention policy dropped={len(lines)}"
        )

    assert len(deliver(LINES, refuse).refused) == len(LINES)
    assert len(sent) == 1


def test_a_database_that_goes_away_in_the_middle_is_told():
    database = MemoryDatabase()
    database.away = True
    with pytest.raises(DatabaseAwayError, match="does not answer"):
        deliver(LINES, database.write)
