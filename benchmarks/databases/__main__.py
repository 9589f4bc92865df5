"""The writers to databases beside OCS's publisher, in one run, and what an outage costs each.

::

    python -m benchmarks.databases [--only limit|outage] [--ocs-python PATH] [--values N]

Needs influxd (`OCSD_INFLUXD`, PATH, or Debian's package) and PostgreSQL. First each at its limit:
OCS's Publisher with each second's messages, and our writers with a journal
(`benchmarks.databases.writing`). Then all three at once behind one crossbar, with the same
messages; meanwhile their databases are stopped for a while and started again, and what they hold in
the end is counted.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from benchmarks import ocs_venv, router
from benchmarks.databases.writing import Shape, Writing, filled, spent_s, written
from benchmarks.end_to_end import AGGREGATOR, publishing
from benchmarks.end_to_end_feeds import FIELDS, SESSIONS, Plan, Published
from benchmarks.site import HOST, Hub
from benchmarks.supervising.ocsd_side import OcsdSide
from ocsd.export.databases.cursor import CursorFile
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.postgres.connection import PostgresConnection
from ocsd.export.databases.postgres.database import PostgresDatabase
from ocsd.export.databases.server import HttpDatabase, influxdb_1
from ocsd.system.paths import ROUTER_SOCKET
from tests.system.influxd import Influxd, program
from tests.system.postgres import Postgres

SHAPES: Final = (Shape(10, 16, 1000), Shape(10, 16, 10))
SIDE: Final = Path(__file__).with_name("publisher_side.py")
PUBLISHED: Final = Plan(5, 50, 5, 45.0, 1.0, 10.0, True)
OUTAGE_BEGINS_S: Final = 10.0
OUTAGE_S: Final = 15.0
SETTLING_LIMIT_S: Final = 60.0
_PUBLISHER: Final = "ocs-publisher"
_INFLUX: Final = "influx"
_SQL: Final = "postgres"


class Servers(NamedTuple):
    """The databases: one for each writer, so that each has its own CPU."""

    of_ocs: Influxd
    influxdb: Influxd
    postgres: Postgres

    @property
    def pids(self) -> list[int]:
        """Their processes."""
        return [self.of_ocs.pid, self.influxdb.pid, self.postgres.pid]


class Kept(NamedTuple):
    """What one writer has done in the run with an outage."""

    name: str
    values: int
    """In the database at the end."""
    cpu_s: float
    """CPU of the writer."""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Run the databases for the time of the context."""
    with contextlib.ExitStack() as stack:
        influxd = program(folder)
        servers = Servers(
            Influxd(influxd, folder / "influx1"), Influxd(influxd, folder / "influx2"), Postgres()
        )
        for server in servers:
            stack.callback(server.close)
        servers.of_ocs.start()
        servers.influxdb.start()
        servers.postgres.start(is_new=True)
        yield servers


def limits(ocs: Path, servers: Servers, folder: Path, values: int) -> Iterator[str]:
    """Yield the table of each writer at its limit."""
    yield "| feeds x fields x samples | | OCS | ocsd | ratio | ocsd, PostgreSQL |"
    yield "|---|---|---|---|---|---|"
    for number, shape in enumerate(SHAPES):
        theirs = _of_ocs(ocs, servers.of_ocs, shape, values)
        place = folder / f"limit{number}"
        place.mkdir()
        data = place / "data"
        count = filled(data, shape, values)
        lines = LineDestination(HttpDatabase(_endpoint(servers.influxdb.port, f"limit{number}")))
        cursor = CursorFile(place / "cursor.json")
        ours = written(lines, data, place, count, shape, servers.influxdb.pid, cursor)
        rows = PostgresDatabase(PostgresConnection(servers.postgres.dsn), f"limit{number}")
        sql = written(rows, data, place, count, shape, servers.postgres.pid, rows)
        shutil.rmtree(place)
        yield from _limit_rows(" x ".join(map(str, shape)), theirs, ours, sql)


def _limit_rows(name: str, theirs: Writing, ours: Writing, sql: Writing) -> Iterator[str]:
    figures: Sequence[tuple[str, Callable[[Writing], float], str]] = (
        ("values/s", lambda it: it.values / it.wall_s, "{:,.0f}"),
        ("CPU of the writer, us/value", lambda it: 1e6 * it.ours_s / it.values, "{:.2f}"),
        ("CPU of the database, us/value", lambda it: 1e6 * it.theirs_s / it.values, "{:.2f}"),
    )
    for what, figure, form in figures:
        cells = [form.format(figure(each)) for each in (theirs, ours, sql)]
        ratio = figure(ours) / figure(theirs)
        yield f"| {name} | {what} | {cells[0]} | {cells[1]} | {ratio:.2f} | {cells[2]} |"
        name = ""


def _of_ocs(ocs: Path, server: Influxd, shape: Shape, values: int) -> Writing:
    command = [str(ocs), str(SIDE), str(server.port), "limit", *map(str, shape), str(values)]
    before_s = spent_s(server.pid)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=280)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Writing(**told, theirs_s=spent_s(server.pid) - before_s)


def _endpoint(port: int, database: str) -> Any:
    return influxdb_1(
        host="127.0.0.1",
        port=port,
        database=database,
        uses_tls=False,
        verifies=False,
        compresses=False,
    )


def outage(ocs: Path, servers: Servers, folder: Path) -> Iterator[str]:
    """Yield the table of all writers at once, whose databases are stopped for a while."""
    hub = Hub(router.free_port(18200, 18299))
    neighbour = folder / "ocsd" / "runtime" / "router"
    site_file = _write_site(folder / "site.yaml", hub, servers, folder / "data")
    crossbar = Path(sys.executable).with_name("crossbar")
    with contextlib.ExitStack() as stack:
        stack.enter_context(router.running(crossbar, folder / "router", hub, neighbour))
        side = OcsdSide(site_file, folder / "ocsd")
        side.prepare()
        side.launch()
        stack.callback(side.close)
        side.launched()
        pids = side.services({})
        pids[_PUBLISHER] = stack.enter_context(_ocs_publisher(ocs, site_file, folder))
        feeds = stack.enter_context(publishing(neighbour / ROUTER_SOCKET, hub, PUBLISHED))
        assert feeds.stdout is not None
        if feeds.stdout.readline() != "started\n":
            raise RuntimeError(f"the publishers did not start; see {folder}")
        before_s = {name: spent_s(pids[name]) for name in (_PUBLISHER, _INFLUX, _SQL)}
        time.sleep(OUTAGE_BEGINS_S)
        for server in servers:
            server.end()
        time.sleep(OUTAGE_S)
        for server in servers:
            server.start()
        published = Published(**json.loads(feeds.stdout.readline()))
        sent = published.messages * PUBLISHED.samples * FIELDS
        counts = _settled(servers, sent)
        kept = [Kept(name, counts[name], spent_s(pids[name]) - before_s[name]) for name in before_s]
    load = os.getloadavg()[0]
    what = f"{sent:,} values of {SESSIONS * PUBLISHED.feeds} feeds"
    yield f"{what} were published in {published.took_s:.0f} s; load {load:.1f}"
    yield ""
    yield "| writer | values in the database | lost | CPU of the writer, us/value |"
    yield "|---|---|---|---|"
    for each in kept:
        lost = 100 * (sent - each.values) / sent
        cpu_us = 1e6 * each.cpu_s / max(1, each.values)
        yield f"| {each.name} | {each.values:,} | {lost:.4g} % | {cpu_us:.2f} |"


def _settled(servers: Servers, sent: int) -> dict[str, int]:
    """Return how many values each database has when ours have all, or after a while."""
    limit_s = time.monotonic() + SETTLING_LIMIT_S
    while True:
        counts = {
            _PUBLISHER: _values_in(servers.of_ocs),
            _INFLUX: _values_in(servers.influxdb),
            _SQL: _values_in_tables(servers.postgres),
        }
        is_done = counts[_INFLUX] == counts[_SQL] == sent
        if is_done or time.monotonic() > limit_s:
            return counts
        time.sleep(1)


def _values_in(server: Influxd) -> int:
    series = server.query("SELECT count(*) FROM /bench[0-9]/", "feeds")
    return sum(sum(each["values"][0][1:]) for each in series)


def _values_in_tables(server: Postgres) -> int:
    names = server.execute(
        "SELECT table_name, column_name FROM ocs_fields WHERE agent ~ 'bench[0-9]'"
    )
    return sum(
        int(server.execute(f'SELECT count("{column}") FROM "{table}"')[0][0])
        for table, column in names
    )


def _write_site(path: Path, hub: Hub, servers: Servers, data: Path) -> Path:
    """Write a site with an aggregator and the three writers; OCS's is run by this program."""
    influx = ["--initial-state", "record", "--host", "127.0.0.1", "--database", "feeds"]
    entries = [
        _entry("AggregatorAgent", AGGREGATOR, "--initial-state", "record", "--data-dir", str(data)),
        _entry("InfluxDBAgent", _INFLUX, *influx, "--port", str(servers.influxdb.port)),
        _entry("PostgreSQLAgent", _SQL, "--dsn", servers.postgres.dsn),
        {
            **_entry("InfluxDBAgent", _PUBLISHER, *influx, "--port", str(servers.of_ocs.port)),
            "manage": "ignore",
        },
    ]
    site = {
        "hub": hub.block,
        "hosts": {HOST: {"agent-instances": entries}},
    }
    path.write_text(yaml.safe_dump(site, sort_keys=False))
    return path


def _entry(agent_class: str, instance_id: str, *arguments: str) -> dict[str, Any]:
    return {
        "agent-class": agent_class,
        "instance-id": instance_id,
        "manage": "up",
        "arguments": list(arguments),
    }


@contextlib.contextmanager
def _ocs_publisher(ocs: Path, site_file: Path, folder: Path) -> Iterator[int]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [str(ocs), "-m", "ocs.agents.influxdb_publisher.agent", f"--site-file={site_file}"]
    with (folder / "publisher.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--site-host={HOST}", f"--instance-id={_PUBLISHER}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
        )
    try:
        time.sleep(10)  # it says nowhere that it has subscribed
        yield process.pid
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=["limit", "outage"], help="leave out the other")
    parser.add_argument("--ocs-python", type=Path, help="a Python that has the published ocs")
    parser.add_argument("--values", type=int, default=3_000_000, help="of each shape")
    args = parser.parse_args()
    ocs = args.ocs_python or ocs_venv.python()
    folder = Path(tempfile.mkdtemp(prefix="ocsd-dbs-", dir="/tmp"))
    try:
        with running(folder) as servers:
            if args.only != "outage":
                for line in limits(ocs, servers, folder, args.values):
                    print(line, flush=True)
            if args.only != "limit":
                for line in outage(ocs, servers, folder):
                    print(line, flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
