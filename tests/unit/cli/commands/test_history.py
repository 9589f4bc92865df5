"""`ocsd history`: the events and the availability, with or without a daemon."""

import json

import pytest


def test_history_shows_changes_and_availability(ocsd, history_file):
    done = ocsd("history", "--host", "lab")
    assert done.returncode == 0, done.stderr
    changes, table = done.stdout.split("\n\n")
    assert "down -> starting  asked for by alice (uid 1000)" in changes
    assert "up -> backoff" in changes
    assert "exit code 3: no device" in changes
    thermo1 = next(line for line in table.splitlines() if line.startswith("thermo1"))
    assert float(thermo1.split()[1]) == pytest.approx(100 * 1999 / 4000, abs=1)


def test_history_of_one_instance_since_a_time(ocsd, history_file):
    done = ocsd("history", "thermo1", "--since", "2500s", "--host", "lab")
    assert "thermo2" not in done.stdout
    assert "asked for by" not in done.stdout
    assert "up -> backoff" in done.stdout


def test_history_without_changes_is_the_table(ocsd, history_file):
    lines = ocsd("history", "-n", "0", "--host", "lab").stdout.splitlines()
    assert lines[0].split()[:2] == ["INSTANCE", "AVAILABLE"]
    assert len(lines) == 3


def test_history_for_programs(ocsd, history_file):
    document = json.loads(ocsd("history", "--json", "--host", "lab").stdout)
    assert [entry["event"] for entry in document["entries"]] == [
        "UpRequested",
        "BecameReady",
        "UpRequested",
        "Exited",
        "Examined",
    ]
    assert document["summaries"]["thermo1"]["ends"] == 1


@pytest.mark.parametrize("moment", ["tomorrow", "12", "2026-13-01"])
def test_a_text_that_is_not_a_time_is_refused(ocsd, history_file, moment):
    done = ocsd("history", "--since", moment, "--host", "lab")
    assert done.returncode == 2
    assert f"'{moment}' is not a time; write an age (90m" in done.stderr


def test_an_unknown_instance_is_refused(ocsd, history_file):
    done = ocsd("history", "termo1", "--host", "lab")
    assert (done.returncode, done.stdout) == (4, "")
    assert "'termo1'" in done.stderr


def test_without_any_history_the_error_names_the_places(ocsd):
    done = ocsd("history", "--host", "lab")
    assert done.returncode == 1
    assert str(ocsd.base / "state" / "lab") in done.stderr


def test_an_instance_that_left_the_site_file_is_marked(ocsd, history_file, daemon_of):
    daemon_of("lab", {"instance_id": "thermo2"})
    table = ocsd("history", "-n", "0").stdout.splitlines()
    assert table[1].startswith("thermo1 (left the site file)  ")
    assert table[2].startswith("thermo2  ")
    summaries = json.loads(ocsd("history", "--json").stdout)["summaries"]
    assert [summaries[name]["left"] for name in ("thermo1", "thermo2")] == [True, False]
    done = ocsd("why", "thermo1")
    assert done.returncode == 4
    assert done.stderr.endswith("has left the site file; to see its past: ocsd history thermo1\n")


@pytest.mark.parametrize("command", ["why", "history"])
def test_a_history_that_cannot_be_read_is_an_error(ocsd, command):
    (ocsd.base / "state" / "lab" / "journal.jsonl").mkdir(parents=True)
    done = ocsd(command, "thermo1", "--host", "lab")
    assert done.returncode == 1
    assert done.stderr.startswith("ocsd: the journal ")
    assert "cannot be read: Is a directory" in done.stderr
