"""Filling a database with the files of a time."""

import math
from pathlib import Path

import pytest

from ocsd.errors import AgentArgumentsError, UsageError
from ocsd.export.databases import addresses, agent, push
from ocsd.export.databases.destination import DatabaseAwayError
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.push import AWAY_LIMIT_S, Push, PushRecord, PushSelection
from ocsd.site.load import load
from ocsd.site.recording import WRITERS
from tests.unit.data.recorded import OPENED, THERMO, every, samples, sound
from tests.unit.export.databases.database import AtOnce, MemoryDatabase, values_of_files

ALL = PushSelection(-math.inf, math.inf)


class Pushing:
    """Pushes with a clock that stands still but for sleeps."""

    def __init__(self, folder):
        self.folder = folder
        self.database = MemoryDatabase()
        self.slept = 0.0
        self.after_sleep = lambda: None

    def run(self, wanted=ALL, folders=None):
        record = PushRecord(self.folder / "record.json", wanted)
        destination = LineDestination(self.database)
        self.push = Push(destination, wanted, record, self._sleep, lambda: self.slept, AtOnce(), 80)
        return self.push.run(folders or [self.folder / "data"], lambda done, of: None)

    def _sleep(self, seconds):
        self.slept += seconds
        self.after_sleep()


@pytest.fixture
def pushing(tmp_path):
    times = every(0.25, 40)
    frames = [samples(times, channel_00=[0.5] * 40, label=["on"] * 40)]
    frames += [samples(every(0.25, 40, OPENED + 60), channel_00=[1.5] * 40, label=["off"] * 40)]
    sound(tmp_path / "data", *frames)
    return Pushing(tmp_path)


def test_everything_is_sent_and_again_without_doubling(pushing):
    pushed = pushing.run()
    assert pushing.database.values == values_of_files(pushing.folder / "data")
    assert (pushed.files, pushed.values, pushed.lines) == (1, 160, 80)
    assert not pushed.went_on
    pushing.run()
    assert pushing.database.arrived == 160
    assert pushing.database.values == values_of_files(pushing.folder / "data")


def test_a_time_and_a_field_are_picked(pushing):
    field = f"{THERMO}.channel_00"
    pushed = pushing.run(PushSelection(OPENED + 5, OPENED + 60.5, {field}))
    times = sorted({round(time / 1e9, 3) for _, _, time in pushing.database.values})
    assert times == [*every(0.25, 20, OPENED + 5), OPENED + 60, OPENED + 60.25]
    assert {name for _, name, _ in pushing.database.values} == {"channel_00"}
    assert pushed.values == 22


def test_several_folders_are_sent(pushing, tmp_path):
    sound(tmp_path / "other", samples(every(1, 3, OPENED + 600), channel_00=[2.5] * 3))
    pushed = pushing.run(folders=[tmp_path / "data", tmp_path / "other"])
    assert pushed.files == 2
    both = values_of_files(tmp_path / "data") | values_of_files(tmp_path / "other")
    assert pushing.database.values == both


def test_a_database_that_comes_back_gets_the_rest(pushing):
    pushing.database.away = True
    pushing.after_sleep = lambda: setattr(pushing.database, "away", pushing.slept < 5)
    pushing.run()
    assert pushing.slept == 5
    assert pushing.database.values == values_of_files(pushing.folder / "data")


def test_an_interrupted_push_goes_on_behind_what_was_acknowledged(pushing, tmp_path):
    later = [samples(every(1, 80, OPENED + 100 * n), channel_00=[0.5] * 80) for n in range(5)]
    sound(tmp_path / "other", *later)
    folders = [tmp_path / "data", tmp_path / "other"]
    write, writes = pushing.database.write, []

    def fail(text):
        writes.append(text)
        if len(writes) > 5:
            raise DatabaseAwayError("gone")
        write(text)

    pushing.database.write = fail
    with pytest.raises(DatabaseAwayError, match="gone"):
        pushing.run(folders=folders)
    assert pushing.slept > AWAY_LIMIT_S
    pushing.database.write = write
    arrived = pushing.database.arrived
    pushed = pushing.run(folders=folders)
    assert pushed.went_on
    assert 0 < pushing.database.arrived - arrived < 5 * 80
    both = values_of_files(tmp_path / "data") | values_of_files(tmp_path / "other")
    assert pushing.database.values == both
    assert not (tmp_path / "record.json").exists()


def test_the_record_of_a_shorter_time_does_not_count(tmp_path):
    record = PushRecord(tmp_path / "record", PushSelection(10.0, 20.0))
    record.reached(tmp_path, place := record.place(tmp_path) or recorded_place())
    assert PushRecord(tmp_path / "record", PushSelection(12.0, 20.0)).place(tmp_path) == place
    assert PushRecord(tmp_path / "record", PushSelection(9.0, 20.0)).place(tmp_path) is None
    assert PushRecord(tmp_path / "record", PushSelection(12.0, 21.0)).place(tmp_path) is None
    (tmp_path / "record").write_text("{torn")
    assert PushRecord(tmp_path / "record", ALL).place(tmp_path) is None


def recorded_place():
    from ocsd.export.databases.cursor import FilePlace

    return FilePlace("17953/1795328225.g3", 7)


def test_refused_lines_and_damaged_files_are_told(pushing):
    (path,) = (pushing.folder / "data").glob("*/*.g3")
    with path.open("ab") as file:
        file.write(b"torn")
    pushing.database.refuses = {'label="off"': "no texts today"}
    pushed = pushing.run()
    (measurement,) = pushed.refused
    assert (pushed.refused[measurement], pushed.refused_because[measurement]) == (
        40,
        "no texts today",
    )
    assert pushed.damaged == [str(path.relative_to(pushing.folder / "data"))]


def test_addresses_name_databases():
    name = addresses.of_address("http://db:1234/feeds", environment={}).name
    assert name == "http://db:1234"
    told = {"INFLUXDB_V2_BUCKET": "b", "INFLUXDB_V2_URL": "https://cloud"}
    assert addresses.of_address("influxdb2", environment=told).name == "https://cloud"
    found = addresses.of_address("postgresql://ocs@db/feeds")
    assert (found.name, found.unit) == ("postgresql://ocs@db:5432/feeds", "rows")
    assert addresses.of_address("influxagent") is None


def test_entries_of_a_site_file_name_databases():
    found = addresses.of_writer("InfluxDBAgent", ["--host", "db", "--data-dir", "/x"], {})
    assert found.name == "http://db:8086"
    found = addresses.of_writer("PostgreSQLAgent", ["--dsn", "host=db user=u dbname=d"], {})
    assert found.name == "postgresql://u@db:5432/d"
    with pytest.raises(AgentArgumentsError, match="INFLUXDB_V2_BUCKET"):
        addresses.of_writer("InfluxDBAgentv2", [], {})
    with pytest.raises(UsageError, match="FakeDataAgent writes to no database"):
        addresses.of_writer("FakeDataAgent", [], {})


def test_the_example_of_a_site_file_names_both_databases():
    site = load(Path(__file__).parents[4] / "site-configs" / "databases.yaml")
    writers = [each for each in site.hosts["localhost"].instances if each.agent_class in WRITERS]
    found = [addresses.of_writer(each.agent_class, each.arguments, {}) for each in writers]
    assert [each.name for each in found] == [
        "http://localhost:8086",
        "postgresql://ocs@localhost:5432/feeds",
    ]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://me:hush@db/feeds", "INFLUXDB_PASSWORD_FILE"),
        ("http://db:8086", "names no database"),
        ("http://db/a/b", "names no database"),
        ("http://db/..", "names no database"),
        ("http://localhost:99999/x", "number from 1 to 65535"),
        ("http://localhost:abc/x", "number from 1 to 65535"),
        ("http://me:hush@[db/x", "IPv6 address is in brackets"),
    ],
)
def test_other_addresses_are_refused(address, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        addresses.of_address(address, environment={})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "99999"),
        ("--port", "abc"),
        ("--database", ""),
        ("--database", "a/b"),
        ("--gzip", "maybe"),
        ("--ssl", "maybe"),
    ],
)
def test_impossible_arguments_of_a_writer_are_refused_when_they_are_parsed(option, value, capsys):
    with pytest.raises(SystemExit):
        agent.make_parser().parse_args([option, value])
    assert f"argument {option}: {value!r} is" in capsys.readouterr().err
    with pytest.raises(UsageError, match=f"argument {option}"):
        addresses.of_writer("InfluxDBAgent", [option, value], {})


@pytest.mark.parametrize("url", ["http://db:99999", "db:8086", "http://db:abc"])
def test_an_impossible_url_of_influxdb_2_is_refused(url):
    told = {"INFLUXDB_V2_BUCKET": "b", "INFLUXDB_V2_URL": url}
    with pytest.raises(AgentArgumentsError, match="INFLUXDB_V2_URL is"):
        addresses.of_address("influxdb2", environment=told)


def test_what_is_gathered_is_counted_once(pushing, tmp_path, monkeypatch):
    few = [samples([OPENED + 100 + n], channel_00=[0.5]) for n in range(70)]
    sound(tmp_path / "other", *few)
    counted = []
    monkeypatch.setattr(push, "_size", lambda each: counted.append(each) or len(each.columns[""]))
    pushing.run(folders=[tmp_path / "other"])
    assert len(counted) <= len(few)  # thousands of small frames are gathered for a batch
