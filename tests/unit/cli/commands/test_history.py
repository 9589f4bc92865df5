"""`ocsd history` and `ocsd why`: what happened, from the journal, with or without a daemon."""

import json
import time

import pytest

from ocsd.history.file import HistoryFile
from ocsd.history.summary import HistoryEntry


def happened(ago_s, name, event, before, after, **more):
    return HistoryEntry(time.time() - ago_s, name, event, before, after, **{"target": "up", **more})


def story():
    return [
        happened(4000, "thermo1", "UpRequested", "down", "starting", by="alice (uid 1000)"),
        happened(3999, "thermo1", "BecameReady", "starting", "up", pid=7),
        happened(3000, "thermo2", "UpRequested", "down", "starting"),
        happened(
            2000,
            "thermo1",
            "Exited",
            "up",
            "backoff",
            code=3,
            reason="ended with exit code 3: no device",
        ),
        happened(
            1990, "thermo1", "Examined", "", "", reason="/var/lib/ocsd/incidents/1: in read()"
        ),
    ]


@pytest.fixture
def journal(ocsd):
    """The journal of the host `lab`, which alone has one."""
    folder = ocsd.base / "state" / "lab"
    folder.mkdir(parents=True)
    journal = HistoryFile(folder / "journal.jsonl")
    # The journal is as old as the test, and not as the module: a full run takes minutes.
    for entry in story():
        journal.write(entry)
    return journal


def test_history_shows_changes_and_availability(ocsd, journal):
    done = ocsd("history", "--host", "lab")
    assert done.returncode == 0, done.stderr
    changes, table = done.stdout.split("\n\n")
    assert "down -> starting  asked for by alice (uid 1000)" in changes
    assert "up -> backoff" in changes
    assert "exit code 3: no device" in changes
    thermo1 = next(line for line in table.splitlines() if line.startswith("thermo1"))
    assert float(thermo1.split()[1]) == pytest.approx(100 * 1999 / 4000, abs=1)


def test_history_of_one_instance_since_a_time(ocsd, journal):
    done = ocsd("history", "thermo1", "--since", "2500s", "--host", "lab")
    assert "thermo2" not in done.stdout
    assert "asked for by" not in done.stdout
    assert "up -> backoff" in done.stdout


def test_history_without_changes_is_the_table(ocsd, journal):
    lines = ocsd("history", "-n", "0", "--host", "lab").stdout.splitlines()
    assert lines[0].split()[:2] == ["INSTANCE", "AVAILABLE"]
    assert len(lines) == 3


def test_history_for_programs(ocsd, journal):
    told = json.loads(ocsd("history", "--json", "--host", "lab").stdout)
    assert [entry["event"] for entry in told["entries"]] == [entry.event for entry in story()]
    assert told["summaries"]["thermo1"]["ends"] == 1


@pytest.mark.parametrize("moment", ["yesterday", "12", "2026-13-01"])
def test_a_moment_that_is_none_is_refused(ocsd, journal, moment):
    done = ocsd("history", "--since", moment, "--host", "lab")
    assert done.returncode == 2
    assert f"'{moment}' is neither an age such as 90m" in done.stderr


def test_an_instance_that_never_was_is_refused(ocsd, journal):
    done = ocsd("history", "termo1", "--host", "lab")
    assert (done.returncode, done.stdout) == (4, "")
    assert "'termo1'" in done.stderr


def test_without_any_journal_the_places_are_told(ocsd):
    done = ocsd("history", "--host", "lab")
    assert done.returncode == 1
    assert str(ocsd.base / "state" / "lab") in done.stderr


def test_why_tells_state_last_end_last_forced_end_and_changes(ocsd, journal, daemon_of):
    row = {
        "instance_id": "thermo1",
        "state": "backoff",
        "target": "up",
        "reason": "ended with exit code 3: no device",
        "next_try_s": 4.5,
    }
    daemon_of("lab", row)
    done = ocsd("why", "thermo1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == (
        "thermo1: backoff (target up): ended with exit code 3: no device; next try in 4.5 s"
    )
    assert "last end " in done.stdout
    assert "last forced end " in done.stdout
    assert "in read()" in done.stdout
    assert "asked for by alice (uid 1000)" in done.stdout


def test_why_names_the_layer_that_fails(ocsd, journal, daemon_of):
    row = {
        "instance_id": "thermo1",
        "state": "up",
        "target": "up",
        "health": "degraded",
        "layer": "feeds",
        "reason": "feed temperatures silent for 42 s (expected every 1 s)",
    }
    daemon_of("lab", row)
    assert ocsd("why", "thermo1").stdout.splitlines()[0] == (
        "thermo1: up (target up): degraded, layer feeds; "
        "feed temperatures silent for 42 s (expected every 1 s)"
    )


def test_why_works_without_a_daemon(ocsd, journal):
    done = ocsd("why", "thermo1", "--host", "lab")
    assert done.stdout.startswith("thermo1: no daemon runs; it was backoff at ")


def test_why_shows_the_end_of_the_log(ocsd, journal):
    log = ocsd.base / "log" / "lab" / "thermo1.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\n")
    done = ocsd("why", "thermo1", "--host", "lab")
    assert done.stdout.endswith(f"last lines of {log}:\n  one\n  two\n")


def test_why_for_programs(ocsd, journal):
    told = json.loads(ocsd("why", "thermo1", "--json", "--host", "lab").stdout)
    assert told["last_end"]["code"] == 3
    assert told["last_forced_end"]["reason"].endswith("in read()")
    assert told["now"] is None


def test_why_of_an_instance_that_nobody_knows_proposes_another(ocsd, journal, daemon_of):
    daemon_of("lab", {"instance_id": "thermo1"})
    done = ocsd("why", "termo1")
    assert done.returncode == 4
    assert "did you mean thermo1?" in done.stderr


def test_an_instance_that_left_the_site_file_is_marked_and_its_past_pointed_to(
    ocsd, journal, daemon_of
):
    daemon_of("lab", {"instance_id": "thermo2"})
    table = ocsd("history", "-n", "0").stdout.splitlines()
    assert table[1].startswith("thermo1 (left the site file)  ")
    assert table[2].startswith("thermo2  ")
    summaries = json.loads(ocsd("history", "--json").stdout)["summaries"]
    assert [summaries[name]["left"] for name in ("thermo1", "thermo2")] == [True, False]
    done = ocsd("why", "thermo1")
    assert done.returncode == 4
    assert done.stderr.endswith(
        "has left the site file; what happened to it is told by: ocsd history thermo1\n"
    )


def test_why_leaves_out_ends_that_somebody_asked_for(ocsd, journal):
    asked = happened(10, "thermo2", "Exited", "stopping", "down", target="down", code=0)
    journal.write(asked)
    assert json.loads(ocsd("why", "thermo2", "--json", "--host", "lab").stdout)["last_end"] is None


def test_why_knows_the_router_and_the_daemon(ocsd, journal, daemon_of):
    server = daemon_of("lab", {"instance_id": "thermo1"})
    server.status["router"] |= {"state": "down", "target": "down", "reason": "put down by alice"}
    assert ocsd("why", "router").stdout.startswith("router: down (target down): put down by alice")
    assert ocsd("why", "ocsd").stdout.startswith("ocsd: up (target up)")


@pytest.mark.parametrize("command", ["why", "history"])
def test_a_journal_that_is_no_file_is_told_in_words(ocsd, command):
    (ocsd.base / "state" / "lab" / "journal.jsonl").mkdir(parents=True)
    done = ocsd(command, "thermo1", "--host", "lab")
    assert done.returncode == 1
    assert done.stderr.startswith("ocsd: the journal ")
    assert "cannot be read: Is a directory" in done.stderr
