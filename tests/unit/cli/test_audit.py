"""`ocsd audit`: who did what, and whether the record is whole."""

import json
import time

import pytest

from ocsd.audit.entry import AuditEntry, AuditKind, AuditOutcome
from ocsd.audit.journal import AuditJournal
from ocsd.audit.segments import segments_of
from ocsd.cli.talk.audit import record
from ocsd.system.paths import HostPaths


@pytest.fixture
def folder(ocsd):
    """The journal of host `lab`."""
    folder = ocsd.base / "state" / "lab" / "audit"
    journal = AuditJournal(folder)
    now = time.time()
    for entry in (
        AuditEntry(now - 9e6, AuditKind.CHANGE, "stop", person="old"),
        AuditEntry(
            *(now - 30, AuditKind.OPERATION, "start", "done", "vera", "operator"),
            address="tcp4:10.0.0.5:53122",
            target="thermo1.acq",
            parameters={"delay": 2},
            source="thermo1",
        ),
        AuditEntry(
            *(now - 20, AuditKind.LOGIN, "login", AuditOutcome.REFUSED, "mallory"),
            reason="the password does not fit",
            times=999,
        ),
        AuditEntry(now - 10, AuditKind.CHANGE, "restart", person="root", target="thermo1"),
        AuditEntry(now - 5, AuditKind.OPERATION, "stop", says="ocsbow (simon@grumpy)"),
    ):
        journal.write(entry)
    journal.close()
    return folder


def test_the_table_tells_who_did_what_without_a_daemon(ocsd, folder):
    done = ocsd("audit", "--host", "lab")
    assert (done.returncode, done.stderr) == (0, "")
    _, *rows = done.stdout.splitlines()
    assert [row.split()[1] for row in rows] == ["vera", "mallory", "root", '"ocsbow']
    assert "thermo1.acq" in rows[0]
    assert '{"delay": 2}' in rows[0]
    assert "refused, 999 times" in rows[1]


@pytest.mark.parametrize(
    ("words", "actions"),
    [
        (("--person", "v*"), ["start"]),
        (("--action", "re*"), ["restart"]),
        (("--refused",), ["login"]),
        (("--since", "365d", "--until", "1d"), ["stop"]),
        (("--since", "15s"), ["restart", "stop"]),
    ],
)
def test_entries_are_chosen(ocsd, folder, words, actions):
    entries = json.loads(ocsd("audit", "--host", "lab", "--json", *words).stdout)["entries"]
    assert [each["action"] for each in entries] == actions


def test_a_whole_record_is_called_whole(ocsd, folder):
    done = ocsd("audit", "--host", "lab", "--verify")
    assert (done.returncode, done.stdout) == (0, "the record is whole: 5 entries, 0 to 4\n")


def test_a_record_that_somebody_has_changed_is_refused_and_the_place_is_named(ocsd, folder):
    [segment] = segments_of(folder)
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([lines[0], *lines[2:]]))
    done = ocsd("audit", "--host", "lab", "--verify")
    assert done.returncode == 1
    assert "entry 1 is missing" in done.stderr
    told = json.loads(ocsd("audit", "--host", "lab", "--verify", "--json").stdout)
    assert told["breaks"] == ["entry 1 is missing"]


def test_a_cut_end_shows_by_the_word_of_the_daemon(ocsd, folder, daemon_of):
    answer = daemon_of("lab").status
    end = {"number": 7, "chain": "0" * 64}
    answer |= {"journal_path": str(folder.with_name("journal.jsonl")), "audit": end}
    done = ocsd("audit", "--host", "lab", "--verify")
    assert "entries 5 to 7 are missing at the end" in done.stderr


def test_a_record_that_was_made_anew_shows_by_the_word_of_the_daemon(ocsd, folder, daemon_of):
    end = {"number": 3, "chain": "0" * 64}
    journal_path = str(folder.with_name("journal.jsonl"))
    daemon_of("lab").status |= {"journal_path": journal_path, "audit": end}
    done = ocsd("audit", "--host", "lab", "--verify")
    assert "entry 3, or one before, was made anew" in done.stderr
    assert done.returncode == 1


def test_a_journal_that_cannot_be_read_is_told_in_words(ocsd, folder):
    segments_of(folder)[0].unlink()
    (folder / "00000000.jsonl").mkdir()
    for words in ((), ("--verify",)):
        done = ocsd("audit", "--host", "lab", *words)
        assert "cannot be read" in done.stderr
        assert done.returncode != 0


def test_nothing_to_read_is_told(ocsd):
    done = ocsd("audit", "--host", "lab")
    assert done.returncode != 0
    assert "no audit journal" in done.stderr


def test_a_command_writes_itself_while_no_daemon_runs(ocsd, folder):
    state = folder.parent
    paths = HostPaths("lab", state / "run", state, state)
    assert record(paths, "user add", "vera", {"role": "viewer", "password": "MARK"}) == ""
    [entry] = json.loads(ocsd("audit", "--host", "lab", "--json", "--action", "user *").stdout)[
        "entries"
    ]
    assert (entry["target"], entry["parameters"]["role"]) == ("vera", "viewer")
    assert "MARK" not in segments_of(folder)[-1].read_text()
    assert "whole" in ocsd("audit", "--host", "lab", "--verify").stdout
