"""`ocsd history`: the events and the availability, with or without a daemon."""

import json
import re

import pytest

from ocsd.cli.commands.look.history import event_words, reason_words
from ocsd.history.summary import HistoryEntry
from tests.unit.cli.commands.conftest import happened
from tests.unit.cli.stand_in_daemon import instance


def test_history_shows_changes_and_availability(ocsd, history_file):
    done = ocsd("history", "--host", "lab")
    assert done.returncode == 0, done.stderr
    changes, table = done.stdout.split("\n\n")
    assert re.match(r"availability from 2\S+Z to 2\S+Z \(1h06m\)\n", table)
    assert "down -> starting  asked for by alice (uid 1000)" in changes
    assert "up -> backoff" in changes
    assert "exit code 3: no device" in changes
    thermo1 = next(line for line in table.splitlines() if line.startswith("thermo1"))
    assert float(thermo1.split()[1]) == pytest.approx(100 * 1999 / 3999, abs=1)


def test_the_worst_stands_first_and_what_was_always_up_is_counted(ocsd, history_file):
    for name, ago_s in (("a", 500), ("b", 400)):
        history_file.write(happened(ago_s, name, "UpRequested", "down", "starting"))
        history_file.write(happened(ago_s - 2, name, "BecameReady", "starting", "up"))
    table = ocsd("history", "--host", "lab").stdout.split("\n\n")[1].splitlines()
    assert [line.split()[:2] for line in table[2:4]] == [
        ["thermo2", "0.000"],
        ["thermo1", table[3].split()[1]],
    ]
    assert table[4:] == ["2 instances up whenever wanted; all: --availability"]
    every = ocsd("history", "--availability", "--host", "lab").stdout.splitlines()
    assert [line.split()[0] for line in every[2:]] == ["thermo2", "thermo1", "a", "b"]
    assert every[4].split()[1:3] == ["100.000", "%"]
    only = ocsd("history", "a", "-n", "1", "--host", "lab").stdout.splitlines()
    assert only[-1] == "1 instance up whenever wanted; all: --availability"


def test_a_window_has_two_ends(ocsd, history_file):
    window = ("--since", "3500s", "--until", "2500s", "--host", "lab")
    done = ocsd("history", *window)
    assert "thermo2   down -> starting" in done.stdout
    assert "backoff" not in done.stdout
    assert "(16m40s)" in done.stdout
    document = json.loads(ocsd("history", "--json", *window).stdout)
    assert document["to_at"] - document["from_at"] == pytest.approx(1000, abs=5)
    assert [entry["name"] for entry in document["entries"]] == ["thermo2"]
    assert ocsd("history", "--since", "1h", "--until", "2h", "--host", "lab").returncode == 2


def test_what_a_clock_that_was_ahead_has_dated_into_the_future_is_shown(ocsd, history_file):
    history_file.write(happened(-1800, "thermo1", "Exited", "up", "backoff", reason="no cable"))
    assert "no cable" in ocsd("history", "--host", "lab").stdout
    window = ("--since", "1h", "--until", "1m", "--host", "lab")
    assert "no cable" not in ocsd("history", *window).stdout


def test_patterns_and_classes_choose_instances(ocsd, history_file, daemon_of):
    daemon_of("lab", instance("thermo1", agent_class="Ls"), instance("thermo2", agent_class="X"))
    for words in (("*1",), ("--class", "Ls"), ("thermo*", "--class", "L*")):
        names = {
            entry["name"]
            for entry in json.loads(ocsd("history", "--json", *words).stdout)["entries"]
        }
        assert names == {"thermo1"}
    assert ocsd("history", "pump*").returncode == 4


def test_events_and_reasons_are_in_words():
    assert event_words("HealthChanged") == "health changed"
    assert event_words("ForkServerEnded") == "fork server ended"
    text = "its reactor has not answered for 31 s"
    assert reason_words(HistoryEntry(0.0, "a", "BecameHung", reason=f"reactor: {text}")) == text
    assert reason_words(HistoryEntry(0.0, "router", "BecameHung", reason=f"reactor: {text}")) == (
        "it has not answered for 31 s"
    )


def test_history_of_one_instance_since_a_time(ocsd, history_file):
    done = ocsd("history", "thermo1", "--since", "2500s", "--host", "lab")
    assert "thermo2" not in done.stdout
    assert "asked for by" not in done.stdout
    assert "up -> backoff" in done.stdout


def test_history_without_changes_is_the_table(ocsd, history_file):
    lines = ocsd("history", "-n", "0", "--host", "lab").stdout.splitlines()
    assert lines[1].split()[:2] == ["INSTANCE", "AVAILABLE"]
    assert len(lines) == 4


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
    assert table[2].startswith("thermo2  ")
    assert table[3].startswith("thermo1 (left the site file)  ")
    summaries = json.loads(ocsd("history", "--json").stdout)["summaries"]
    assert [summaries[name]["left"] for name in ("thermo1", "thermo2")] == [True, False]
    done = ocsd("why", "thermo1")
    assert done.returncode == 4
    assert done.stderr.endswith(
        "has left the site file; to see its past: ocsd history lab:thermo1\n"
    )


@pytest.mark.parametrize("command", ["why", "history"])
def test_a_history_that_cannot_be_read_is_an_error(ocsd, command):
    (ocsd.base / "state" / "lab" / "journal.jsonl").mkdir(parents=True)
    done = ocsd(command, "thermo1", "--host", "lab")
    assert done.returncode == 1
    assert done.stderr.startswith("ocsd: the journal ")
    assert "cannot be read: Is a directory" in done.stderr


def test_changes_that_are_left_out_are_counted(ocsd, history_file):
    changes = ocsd("history", "--host", "lab", "-n", "2").stdout.split("\n\n")[0].splitlines()
    assert len(changes) == 4
    assert changes[-1] == "the last 2 of 5 changes; all: -n 5"
    assert "the last" not in ocsd("history", "--host", "lab", "-n", "5").stdout


def test_events_of_alarms_are_told_with_the_person(ocsd, history_file):
    event = happened(10, "alarms", "alarm-acknowledged", "", "", reason="warm: too warm", by="vera")
    history_file.write(event)
    assert (
        "alarms    alarm acknowledged  warm: too warm; by vera"
        in ocsd("history", "--host", "lab").stdout
    )
