"""A real PostgreSQL and a writer that are killed: each sample of the files is there, once."""

import contextlib
import os
import re
import signal
import tempfile
from pathlib import Path

import numpy as np
import psycopg
import pytest

from ocsd.export.databases.cursor import FilePlace, FileSpan
from ocsd.export.databases.trails import frames, names_of_files
from tests.system import small_disk
from tests.system.conftest import fake_agent
from tests.system.postgres import Postgres
from tests.system.recording.published import Feeds, WriterProcess
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

KILLS = 10


@pytest.fixture(scope="module")
def shared_server():
    made = Postgres(is_quick=True)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def server(shared_server):
    """A server that runs, with a new database."""
    if not shared_server.is_up():
        shared_server.start()
    shared_server.execute("DROP DATABASE IF EXISTS feeds WITH (FORCE)", "dbname=postgres")
    shared_server.execute("CREATE DATABASE feeds", "dbname=postgres")
    return shared_server


class PostgresWriter(WriterProcess):
    def __init__(self, folder, server):
        self._server = server
        super().__init__(folder, server.dsn)

    def _saved_at(self):
        if not self._server.execute("SELECT to_regclass('ocs_writers') IS NOT NULL")[0][0]:
            return None
        rows = self._server.execute("SELECT saved_at FROM ocs_writers")
        return rows[0][0] if rows else None


@pytest.fixture
def writer(server, tmp_path):
    made = PostgresWriter(tmp_path, server)
    yield made
    made.kill()


def values_of_files(folder):
    """Return what the values of `Postgres.values` have to be, and how many rows."""
    names = names_of_files(folder)
    end = FilePlace(names[-1], (folder / names[-1]).stat().st_size)
    found = {}
    for samples, _ in frames(folder, FileSpan(FilePlace(names[0], 0), end)):
        for each in samples:
            agent, _, feed = each.block.feed.partition(".feeds.")
            times = np.rint(np.asarray(each.columns[""]) * 1e6).astype(np.int64).tolist()
            for name in each.block.kinds:
                values = zip(times, list(each.columns[name]), strict=True)
                found |= {(agent, feed, name, at): value for at, value in values if value == value}
    return found, len({(agent, feed, at) for agent, feed, _, at in found})


def is_complete(server, folder):
    return server.values() == values_of_files(folder)


def test_database_and_writer_are_killed_again_and_again(server, writer, tmp_path):
    feeds = Feeds(tmp_path / "data")
    for _ in range(KILLS):
        wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a cursor")
        feeds.publish(0.3)
        server.end(signal.SIGKILL)
        feeds.publish(0.3)
        writer.kill()
        feeds.publish(0.1)
        server.start()
        writer.start()
    feeds.end()
    assert len(values_of_files(tmp_path / "data")[0]) > 10 * 6 * 5 * KILLS
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)


def test_a_database_that_hangs_or_is_away_misses_nothing(server, writer, tmp_path):
    feeds = Feeds(tmp_path / "data")
    wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a cursor")
    server.pause()
    feeds.publish(3)  # longer than the writer waits for an answer
    server.go_on()
    feeds.publish(1)
    server.end()
    feeds.publish(4)  # several frames: the journal no longer has what came in
    server.start()
    feeds.publish(2)
    feeds.end()
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)


def test_a_database_restored_from_a_backup_gets_what_has_come_since(server, tmp_path):
    feeds = Feeds(tmp_path / "data")
    writer = PostgresWriter(tmp_path, server)
    wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a cursor")
    writer.kill()
    server.execute("CREATE DATABASE backup TEMPLATE feeds", "dbname=postgres")
    writer.start()
    wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a later cursor")
    feeds.publish(3)
    writer.kill()
    server.execute("DROP DATABASE feeds", "dbname=postgres")
    server.execute("ALTER DATABASE backup RENAME TO feeds", "dbname=postgres")
    writer.start()
    feeds.end()
    wait_until(lambda: is_complete(server, tmp_path / "data"), "the whole content", 200)
    writer.kill()


def test_a_full_disk_of_the_database_misses_nothing(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with (
        tempfile.TemporaryDirectory(prefix="ocsd-disk-", dir="/tmp") as around,
        small_disk.mounted(Path(around) / "disk", "200M") as disk,
    ):
        Path(around).chmod(0o755)  # the server is another user's
        server = Postgres(disk / "data")
        try:
            server.start(is_new=True)
            _fill_and_free(server, disk, tmp_path)
        finally:
            server.close()


def _fill_and_free(server, disk, folder):
    feeds = Feeds(folder / "data")
    writer = PostgresWriter(folder, server)
    wait_until(lambda: feeds.publish(0.1) or writer.has_written(), "a cursor")
    small_disk.fill(disk)
    feeds.publish(3)
    small_disk.free(disk)
    feeds.publish(2)
    feeds.end()
    wait_until(lambda: _is_complete_again(server, folder / "data"), "the whole content", 200)
    writer.kill()


def _is_complete_again(server, folder):
    if not server.is_up():  # PostgreSQL ends itself where it has no room for its log
        server.start()
    try:
        return is_complete(server, folder)
    except psycopg.OperationalError:  # it recovers
        return False


def queries_of_the_page():
    """Return the statements in docs/data/databases.md, with Grafana's macro filled in."""
    page = Path(__file__).parents[3] / "docs" / "data" / "databases.md"
    blocks = re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL)
    text = "".join(blocks).replace("$__timeFilter(time)", "time > now() - interval '1 day'")
    return [each for each in text.split(";") if each.strip()]


def test_an_entry_of_a_site_file_writes_what_the_site_records(server, site):
    entry = {"agent-class": "PostgreSQLAgent", "instance-id": "postgres"}
    entry |= {"arguments": ["--dsn", server.dsn]}
    site.write(fake_agent("fake-data1"), entry)
    site.bring_up()
    wait_until(lambda: site.instance("postgres")["health"] == "ok", "the writer")

    def tables():
        with contextlib.suppress(psycopg.errors.UndefinedTable):  # the writer makes it
            return {row[0] for row in server.execute("SELECT table_name FROM ocs_fields")}
        return set()

    wanted = {"fake_data1_false_temperatures", "registry_agent_operations"}
    wait_until(lambda: wanted <= tables(), "two feeds")
    server.end()
    wait_until(
        lambda: "does not answer" in (site.instance("postgres")["reason"] or ""), "the reason"
    )
    server.start()
    wait_until(lambda: site.instance("postgres")["health"] == "ok", "the database again")
    data = site.folder / "state" / "lab" / "data"
    assert site.ocsd("down", "fake-data1").returncode == 0
    assert site.ocsd("down", "aggregator").returncode == 0
    wait_until(lambda: values_of_files(data)[0].items() <= server.values()[0].items(), "the files")
    server.execute("CREATE ROLE grafana")
    answers = [server.execute(each) for each in queries_of_the_page()]
    assert [bool(rows) for rows in answers] == [False, False, True, True, True, True, False]
