"""Lines that a database refuses."""

import pytest

from ocsd.export.databases.delivery import LinesRefusedError, isolate
from ocsd.export.databases.destination import DatabaseAwayError
from tests.unit.export.databases.database import MemoryDatabase

LINES = [f"m,feed=f a={number},b=1 {number}" for number in range(1000)]


def test_a_refused_value_is_isolated_and_the_rest_goes_on():
    database = MemoryDatabase()
    database.refuses = {" a=17 ": "bad value"}
    database.refuses |= {" a=17,": "bad value"}
    refused = isolate(LINES, database.write)
    assert [(each.line, each.reason) for each in refused] == [("m,feed=f a=17 17", "bad value")]
    assert len(database.values) == 2 * len(LINES) - 1
    assert database.writes < 30


@pytest.mark.parametrize(
    "reason",
    ["points beyond retention policy", "max-series-per-database limit exceeded: (1000000)"],
)
def test_lines_that_are_all_dropped_are_refused_at_once(reason):
    sent = []

    def refuse(lines):
        sent.append(lines)
        raise LinesRefusedError(f"partial write: {reason} dropped={len(LINES)}")

    assert len(isolate(LINES, refuse)) == len(LINES)
    assert len(sent) == 1


def test_a_database_that_goes_away_in_the_middle_is_told():
    database = MemoryDatabase()
    database.away = True
    with pytest.raises(DatabaseAwayError, match="does not answer"):
        isolate(LINES, database.write)
