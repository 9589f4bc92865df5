"""A real InfluxDB and a writer that are killed: afterwards the content is that of the files."""

import signal

import numpy as np
import pytest

from ocsd.export.databases.cursor import FilePlace, FileSpan
from ocsd.export.databases.delivery import deliver
from ocsd.export.databases.points import series_of
from ocsd.export.databases.server import HttpDatabase, influxdb_1
from ocsd.export.databases.trails import frames, names_of_files
from tests.system.conftest import fake_agent
from tests.system.influxd import Influxd, program
from tests.system.recording.published import Feeds, WriterProcess
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

KILLS = 10


@pytest.fixture(scope="module")
def executable(tmp_path_factory):
    return program(tmp_path_factory.mktemp("influxdb"))


@pytest.fixture
def server(executable, tmp_path):
    made = Influxd(executable, tmp_path / "influx")
    made.start()
    yield made
    made.close()


@pytest.fixture
def writer(server, tmp_path):
    made = WriterProcess(tmp_path, server.port)
    yield made
    made.kill()


def values_of_files(folder):
    """Return what `Influxd.values` has to be."""
    names = names_of_files(folder)
    end = FilePlace(names[-1], (folder / names[-1]).stat().st_size)
    found = {}
    for samples, _ in frames(folder, FileSpan(FilePlace(names[0], 0), end)):
        for each in samples:
            times = (np.asarray(each.columns[""]) * 1e9).astype(np.int64).tolist()
            for series in series_of(each.block):
                for name, in_database in series.fields.items():
                    values = list(each.columns[name])
                    key = series.measurement, frozenset(series.tags.items()), in_database
                    found |= {(*key, at): value for at, value in zip(times, values, strict=True)}
    return found


def is_complete(server, folder):
    """Whether the database has what the files have, and nothing else."""
    return server.values() == values_of_files(folder)


def test_database_and_writer_are_killed_again_and_again(server, writer, tmp_path):
    feeds = Feeds(tmp_path / "data")
    for _ in range(KILLS):
        wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a cursor")
        feeds.publish(0.5)
        server.end(signal.SIGKILL)
        feeds.publish(0.3)
        writer.kill()
        feeds.publish(0.3)
        server.start()
        writer.start()
    feeds.end()
    expected = values_of_files(tmp_path / "data")
    assert len(expected) > 10 * 6 * 5 * KILLS
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 90)


def test_a_database_that_hangs_or_is_away_misses_nothing(server, writer, tmp_path):
    feeds = Feeds(tmp_path / "data")
    wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a cursor")
    server.pause()
    feeds.publish(4)
    server.go_on()
    feeds.publish(1)
    server.end()
    feeds.publish(8)  # several frames: the journal no longer has what came in
    server.start()
    feeds.publish(2)
    feeds.end()
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 90)


def test_a_field_of_another_type_holds_up_nothing(server):
    database = HttpDatabase(
        influxdb_1(
            host="127.0.0.1",
            port=server.port,
            database="ocs_feeds",
            uses_tls=False,
            verifies=False,
            compresses=False,
        )
    )
    database.prepare()
    deliver(["m,feed=f a=1.5,b=1i 1"], database.write)
    found = deliver(["m,feed=f a=2i,b=2i 2", "m,feed=f a=3.5,b=2.5 3"], database.write)
    database.close()
    assert [each.line for each in found.refused] == ["m,feed=f b=2.5 3"]
    assert "is type float, already exists as type integer" in found.refused[0].reason
    assert found.floats == {("m", "a")}
    tags = frozenset({("feed", "f")})
    expected = {("a", 1): 1.5, ("b", 1): 1, ("a", 2): 2, ("b", 2): 2, ("a", 3): 3.5}
    assert server.values() == {("m", tags, *key): value for key, value in expected.items()}


def test_an_entry_of_ocs_writes_what_the_site_records(server, site):
    arguments = ["--initial-state", "record", "--host", "127.0.0.1", "--port", server.port]
    entry = {"agent-class": "InfluxDBAgent", "instance-id": "influxagent", "arguments": arguments}
    site.write(fake_agent("fake-data1"), entry)
    site.bring_up()

    def measurements():
        return {key[0] for key in server.values()}

    wait_until(lambda: {"FakeDataAgent", "observatory.registry"} <= measurements(), "two feeds")
    server.end()
    wait_until(
        lambda: "does not answer" in (site.instance("influxagent")["reason"] or ""), "the reason"
    )
    server.start()
    wait_until(lambda: site.instance("influxagent")["health"] == "ok", "the database again")
    data = site.folder / "state" / "lab" / "data"
    assert site.ocsd("down", "fake-data1").returncode == 0
    assert site.ocsd("down", "aggregator").returncode == 0
    wait_until(lambda: values_of_files(data).items() <= server.values().items(), "the files")
