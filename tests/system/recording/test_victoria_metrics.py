"""A real VictoriaMetrics that is killed and away: what it has afterwards."""

from math import isclose

import pytest

from tests.system.recording.published import Feeds, WriterProcess
from tests.system.recording.test_databases import values_of_files
from tests.system.victoria import Victoria, program
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

KILLS = 3
SETTLE_S = 10
RELATIVE = 1e-11
"""VictoriaMetrics keeps about twelve decimal digits of a value."""


@pytest.fixture(scope="module")
def executable(tmp_path_factory):
    return program(tmp_path_factory.mktemp("victoria"))


@pytest.fixture
def server(executable, tmp_path):
    made = Victoria(executable, tmp_path / "victoria")
    made.start()
    yield made
    made.close()


def test_killed_and_away_it_has_every_sample_once(server, tmp_path):
    writer, feeds = WriterProcess(tmp_path, server.port, SETTLE_S), Feeds(tmp_path / "data")
    try:
        feeds.publish_until(lambda: writer.report()["connected"], "the database")
        for _ in range(KILLS):
            feeds.publish(1.5)
            server.kill()  # with a second that is acknowledged and not yet on its disk
            feeds.publish(1.5)
            server.start()
            feeds.publish_until(lambda: writer.report()["connected"], "the database again")
        feeds.end()
        expected = points_of_files(tmp_path / "data")
        wait_until(lambda: has(server, expected), "the whole content", 200)
    finally:
        writer.kill()


def has(server, expected):
    """Whether the database has each expected point, once, and nothing else."""
    found = server.values()
    return found.keys() == expected.keys() and all(
        len(values) == 1
        and any(isclose(values[0], each, rel_tol=RELATIVE) for each in expected[key])
        for key, values in found.items()
    )


def points_of_files(folder):
    """Return what `Victoria.values` may be: of samples within a millisecond, one is kept."""
    expected = {}
    for (measurement, tags, field, time), value in values_of_files(folder).items():
        number = float(value) if not isinstance(value, str) else 0.0  # texts become zeros
        labels = {**dict(tags), "__name__": f"{measurement}_{field}", "db": "ocs_feeds"}
        key = frozenset(labels.items()), time // 1_000_000
        expected.setdefault(key, set()).add(number)
    return expected
