"""`ocsd data push` into a real InfluxDB and a real PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.system.influxd import Influxd, program
from tests.system.postgres import Postgres
from tests.system.recording import test_databases, test_postgres
from tests.system.waiting import wait_until
from tests.unit.aggregator.rig import Clock, Recording

pytestmark = pytest.mark.system

MINUTES = 10


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder with some minutes of two feeds, in files of a minute."""
    folder = tmp_path_factory.mktemp("recorded") / "data"
    folder.mkdir()
    clock = Clock()
    recording = Recording(folder, time_per_file_s=60.0, clock=clock)
    recording.start()
    for number in range(60 * MINUTES):
        times = [clock.at + place / 20 for place in range(20)]
        values = {"x": [at % 7 for at in times], "state": [f"{number} é"] * 20}
        recording.send(times, **values, n=list(range(20)))
        recording.run(1)
    recording.recorder.close()
    return folder


def push(to, folder, environment, *words):
    command = [sys.executable, "-m", "ocsd", "data", "push", "--to", to, "--folder", folder]
    return subprocess.Popen(
        [*map(str, command), *words, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}


def done(process):
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return json.loads(out)


def test_influxdb_has_each_sample_after_kills_and_repetitions(data, environment, tmp_path):
    server = Influxd(program(tmp_path), tmp_path / "influx")
    try:
        server.start()
        to = f"http://127.0.0.1:{server.port}/old"
        server.pause()
        process = push(to, data, environment, "--gzip")
        time.sleep(1)
        server.end(signal.SIGKILL)
        server.start()
        answer = done(process)
        expected = test_databases.values_of_files(data)
        assert answer["values"] == len(expected) == 3 * 20 * 60 * MINUTES
        assert server.values("old") == expected
        assert done(push(to, data, environment))["values"] == len(expected)
        assert server.values("old") == expected
    finally:
        server.close()


def test_postgresql_has_each_row_once_whatever_is_killed(data, environment):
    server = Postgres(is_quick=True)
    try:
        server.start(is_new=True)
        to = f"postgresql://ocs@/feeds?host={server.folder}"
        process = push(to, data, environment)
        wait_until(lambda: has_rows(server) or process.poll() is not None, "the first rows")
        process.kill()
        process.communicate()
        process = push(to, data, environment)
        server.end(signal.SIGKILL)
        server.start()
        done(process)
        expected = test_postgres.values_of_files(data)
        assert server.values() == expected
        assert done(push(to, data, environment))["lines"] == expected[1]
        assert server.values() == expected
    finally:
        server.close()


def has_rows(server):
    return server.execute("SELECT to_regclass('thermo1_temps') IS NOT NULL")[0][0]
