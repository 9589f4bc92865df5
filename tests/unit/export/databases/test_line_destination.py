"""Batches of lines, and fields that have another type in the database."""

import re

import numpy as np
import pytest

from ocsd.export.databases.delivery import LinesRefusedError
from ocsd.export.databases.destination import DatabaseAwayError
from ocsd.export.databases.line_destination import MOST_BATCH_VALUES, MOST_LINES, LineDestination
from ocsd.export.databases.points import BlockSamples, PointModel
from ocsd.journal.kinds import Kind
from tests.unit.export.databases.database import MemoryDatabase, values_in

FEED = "observatory.thermo1.feeds.temps"


class TypedDatabase(MemoryDatabase):
    """Has types of fields and writes the lines that fit, as InfluxDB 1 does."""

    def __init__(self, types):
        super().__init__()
        self.types = types

    def write(self, text):
        self.writes += 1
        misfits = []
        for line in text.removesuffix("\n").split("\n"):
            values = values_in([line])
            wrong = [each for each in map(self._conflict, values.items()) if each]
            misfits += wrong[:1]
            if not wrong:
                self.values |= values
        if misfits:
            raise LinesRefusedError(f"partial write: {misfits[0]} dropped={len(misfits)}")

    def _conflict(self, item):
        (_, field, _), value = item
        ours = "integer" if re.fullmatch(r"-?\d+i", value) else "float"
        theirs = self.types.setdefault(field, ours)
        if ours == theirs:
            return ""
        return (
            f'field type conflict: input field "{field}" on measurement "observatory.thermo1" is '
            f"type {ours}, already exists as type {theirs}"
        )


def samples(count, fields=2, begin=0, tags=None):
    kinds = {f"c{place}": Kind.FLOAT for place in range(fields)} | {"n": Kind.INT}
    columns = {name: np.arange(count, dtype=float) + 0.5 for name in kinds}
    columns |= {"n": np.arange(count), "": np.arange(begin, begin + count, dtype=float)}
    return BlockSamples(PointModel(FEED, kinds, tags), columns)


def delivered(destination, *blocks):
    return [destination.deliver(batch) for batch in destination.batches(blocks)]


@pytest.mark.parametrize(
    ("counts", "fields"),
    [([10] * 7, 2), ([3000] * 9, 1), ([2 * MOST_LINES + 5, 1], 1), ([90, 40], 5000)],
)
def test_batches_are_bounded_and_hold_each_line_once(counts, fields):
    database = MemoryDatabase()
    blocks = [samples(n, fields, 100_000 * place) for place, n in enumerate(counts)]
    sizes = []
    for batch in LineDestination(database).batches(blocks):
        database.write(batch.text)
        sizes.append(batch.text.count("\n"))
        assert batch.points == sizes[-1]
    assert sum(sizes) == sum(counts) == database.arrived
    assert len(database.values) == sum(counts) * (fields + 1)
    assert max(sizes) <= MOST_LINES
    assert max(sizes) * (fields + 1) <= MOST_BATCH_VALUES


def test_an_integer_that_is_a_float_in_the_database_is_written_as_one():
    database = TypedDatabase({"n": "float"})
    destination = LineDestination(database)
    assert [each.refused for each in delivered(destination, samples(100))] == [[]]
    assert database.writes == 2
    delivered(destination, samples(100, begin=100))
    assert database.writes == 3
    assert len(database.values) == 200 * 3


def test_a_field_of_another_type_is_remembered_and_refused_at_once():
    database = TypedDatabase({"c0": "integer"})
    destination = LineDestination(database)
    for begin in (0, 100, 200):
        (found,) = delivered(destination, samples(100, begin=begin))
        assert len(found.refused) == 100
        assert found.refused[0].measurement == "observatory.thermo1"
        assert "already exists as type integer" in found.refused[0].reason
    assert database.writes == 3 + 2 * 2
    assert len(database.values) == 300 * 2


def test_a_field_that_fits_again_is_forgotten():
    database = TypedDatabase({"c0": "integer"})
    destination = LineDestination(database)
    delivered(destination, samples(100))
    database.types["c0"] = "float"
    assert not delivered(destination, samples(100, begin=100))[0].refused
    database.writes = 0
    assert not delivered(destination, samples(100, begin=200))[0].refused
    assert database.writes == 1


def test_several_fields_of_other_types_are_found_one_after_the_other():
    database = TypedDatabase({"c0": "integer", "c1": "integer", "n": "float"})
    (found,) = delivered(LineDestination(database), samples(50))
    assert len(found.refused) == 100
    assert len(database.values) == 50


def test_a_database_that_refuses_whatever_it_gets_is_away():
    database = MemoryDatabase()
    database.refuses = {"": "unknown organization"}
    destination = LineDestination(database)
    with pytest.raises(DatabaseAwayError, match="refuses whatever it is sent: unknown org"):
        delivered(destination, samples(100))
    assert database.writes == 2
    database.refuses = {"#": "bad request id=7f3a2", "": "bad request id=81bc0"}  # of a proxy
    with pytest.raises(DatabaseAwayError, match="refuses whatever it is sent: bad request"):
        delivered(destination, samples(100))
    database.refuses = {"n=7i": "bad value", "#": "no points"}
    (found,) = delivered(destination, samples(100))
    assert [each.content for each in found.refused] == [
        "observatory.thermo1,feed=temps n=7i 7000000000"
    ]


def test_a_batch_made_before_something_was_learned_is_made_again():
    database = TypedDatabase({"c0": "integer", "n": "float"})
    destination = LineDestination(database)
    early = list(destination.batches([samples(10), samples(10, begin=10)]))
    late = list(destination.batches([samples(10, begin=20)]))
    for batch in (*early, *late):
        assert destination.deliver(batch).refused
    assert len(database.values) == 30 * 2
    assert database.writes < 10
