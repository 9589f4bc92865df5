"""A real InfluxDB and a writer that are killed: afterwards the content is that of the files."""

import contextlib
import signal

import numpy as np
import pytest

from ocsd.export.databases.cursor import FilePlace, FileSpan
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.points import BlockSamples, PointModel, series_of
from ocsd.export.databases.server import HttpDatabase, influxdb_1
from ocsd.export.databases.trails import frames, names_of_files
from ocsd.journal.kinds import Kind
from tests.system import small_disk
from tests.system.conftest import fake_agent
from tests.system.fault_proxy import HALF, FaultProxy
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


@pytest.fixture
def proxy(server):
    made = FaultProxy(server.port)
    yield made
    made.close()


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
        feeds.publish_until(writer.has_written, "a cursor")
        feeds.publish(0.3)
        server.end(signal.SIGKILL)
        feeds.publish(0.3)
        writer.kill()
        feeds.publish(0.1)
        writer.start()  # beside the server: both take a second
        server.start()
    feeds.end()
    expected = values_of_files(tmp_path / "data")
    assert len(expected) > 10 * 6 * 5 * KILLS
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)


def test_a_database_that_hangs_or_is_away_misses_nothing(server, writer, tmp_path):
    feeds = Feeds(tmp_path / "data")
    feeds.publish_until(writer.has_written, "a cursor")
    server.pause()
    feeds.publish(3)
    server.go_on()
    feeds.publish(1)
    server.end()
    feeds.publish(4)  # several frames: the journal no longer has what came in
    server.start()
    feeds.publish(2)
    feeds.end()
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)


FAULTS = {
    "read-only file system": (500, b'{"error": "open 2.wal: read-only file system"}'),
    "correct its user and password": (401, b'{"error": "authorization failed"}'),
    "refuses whatever it is sent: no such bucket": (400, b'{"error": "no such bucket"}'),
    "does not answer": HALF,
}


def test_each_fault_is_told_and_misses_nothing(server, proxy, tmp_path):
    writer = WriterProcess(tmp_path, proxy.port)
    feeds = Feeds(tmp_path / "data")
    try:
        for words, fault in FAULTS.items():
            feeds.publish_until(lambda: writer.report()["connected"], "the database")
            proxy.spoil(fault)
            feeds.publish_until(lambda words=words: words in writer.report()["reason"], words)
            feeds.publish(2)  # several frames and segments of the journal
            proxy.heal()
        feeds.end()
        wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)
        wait_until(lambda: not writer.report()["reason"], "the end of the last fault")
        assert writer.report()["refused"] == {}
    finally:
        writer.kill()


def test_a_database_whose_disk_was_full_misses_nothing(executable, tmp_path):
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk.mounted(tmp_path / "disk", 40 * 2**20))
        except PermissionError as error:
            pytest.skip(str(error))
        server = Influxd(executable, disk / "influx")
        stack.callback(server.close)
        server.start()
        writer = WriterProcess(tmp_path, server.port)
        stack.callback(writer.kill)
        feeds = Feeds(tmp_path / "data")
        feeds.publish_until(writer.has_written, "a cursor")
        small_disk.fill(disk)
        full = "no space left on device"
        feeds.publish_until(lambda: full in writer.report()["reason"], full)
        feeds.publish(2)
        small_disk.free(disk)
        server.end()  # InfluxDB 1.6 answers that its disk is full until it is started again
        server.start()
        feeds.publish(1)
        feeds.end()
        wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)


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
    database.write('my\\ m.f,feed=f a=1.5,b=1i,c="x" 1')
    destination = LineDestination(database)
    kinds = {"a": Kind.INT, "b": Kind.FLOAT, "c": Kind.BOOL, "d": Kind.FLOAT}
    columns = {"": np.array([2e-9, 3e-9]), "a": np.array([2, 3]), "b": np.array([2.0, 3.5])}
    columns |= {"c": np.array([True, False]), "d": np.array([4.5, 5.5])}
    block = BlockSamples(PointModel("my m.f.feeds.f", kinds), columns)
    (batch,) = destination.batches([block])
    for _ in range(2):
        found = destination.deliver(batch).refused
        assert [each.content.split(",")[1] for each in found] == [
            "feed=f b=2.0 2",
            "feed=f b=3.5 3",
            "feed=f c=True 2",
            "feed=f c=False 3",
        ]
        assert "is type float, already exists as type integer" in found[0].reason
    database.close()
    tags = frozenset({("feed", "f")})
    expected = {("a", 1): 1.5, ("b", 1): 1, ("c", 1): "x", ("a", 2): 2, ("a", 3): 3}
    expected |= {("d", 2): 4.5, ("d", 3): 5.5}
    assert server.values() == {("my m.f", tags, *key): value for key, value in expected.items()}


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
