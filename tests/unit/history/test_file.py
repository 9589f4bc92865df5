"""The file of the history keeps all entries, whatever the disk does."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.history import file
from ocsd.history.file import HistoryFile, read_history, read_since
from ocsd.history.summary import START_ALLOWANCE_S, HistoryEntry, summaries


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def entry(number, **more):
    return HistoryEntry(at=float(number), name=f"a{number}", event="Exited", **more)


def test_what_is_written_is_read_back(path):
    entries = [entry(1, code=1, reason="line one\nline two"), entry(2, pid=7, by="alice (uid 7)")]
    writer = HistoryFile(path)
    for each in entries:
        writer.write(each)
    assert list(read_history(path)) == entries


def test_there_need_not_be_a_file(path):
    assert list(read_history(path)) == []


def test_a_full_file_becomes_the_older_one_and_nothing_is_lost(path):
    writer = HistoryFile(path, limit_bytes=300)
    for number in range(20):
        writer.write(entry(number))
    kept = list(read_history(path))
    assert kept == [entry(number) for number in range(20 - len(kept), 20)]
    assert len(kept) >= 5
    assert sum(each.stat().st_size for each in path.parent.iterdir()) <= 600


@given(data=st.data())
def test_any_beginning_of_the_file_can_be_read_and_continued(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    writer = HistoryFile(path)
    for number in range(3):
        writer.write(entry(number))
    writer.close()
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = list(read_history(path))
    HistoryFile(path).write(entry(9))
    assert list(read_history(path)) == [*kept, entry(9)]


def test_lines_of_a_later_release_are_read_in_part(path):
    path.write_text('{"at": 1.0, "name": "a", "event": "Exited", "colour": "red"}\n[1]\nx\n')
    assert list(read_history(path)) == [HistoryEntry(at=1.0, name="a", event="Exited")]


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that takes no more than half a line."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[: len(line) // 2]))
    return monkeypatch


def test_a_full_disk_makes_entries_wait(path, full_disk):
    writer = HistoryFile(path)
    writer.write(entry(1))
    assert writer.trouble.startswith("1 entry waits for ")
    writer.write(entry(2))
    assert "2 entries wait" in writer.trouble
    assert str(path) in writer.trouble
    assert path.read_bytes() == b""
    full_disk.undo()
    writer.write(entry(3))
    assert writer.trouble == ""
    assert list(read_history(path)) == [entry(1), entry(2), entry(3)]


def test_entries_that_are_dropped_are_counted(path, full_disk):
    writer = HistoryFile(path, waiting_limit=2)
    for number in range(1, 6):
        writer.write(entry(number))
    full_disk.undo()
    writer.flush()
    gap, *kept = read_history(path)
    assert (gap.event, gap.reason) == (
        "EntriesLost",
        "3 entries are missing here: the disk took none",
    )
    assert kept == [entry(4), entry(5)]


def test_a_folder_that_is_gone_is_reported(path):
    writer = HistoryFile(path.parent / "gone" / "journal.jsonl")
    writer.write(entry(1))
    assert "No such file or directory" in writer.trouble


NAMES = ("thermo1", "thermo2", "ocsd", "Ünï")
STEPS = st.tuples(
    st.integers(0, 400),
    st.sampled_from(NAMES),
    st.sampled_from(("UpRequested", "RestartRequested", "Exited", "BecameReady", "Examined")),
    st.sampled_from(("down", "up", "starting", "stopping")),
    st.sampled_from(("up", "starting", "stopping", "backoff", "")),
    st.sampled_from(("up", "down")),
)


def written(path, steps):
    writer = HistoryFile(path, limit_bytes=2000)
    for at, name, event, before, after, target in steps:
        reason = 'said "name": "thermo1"' * (event == "Examined")
        writer.write(HistoryEntry(float(at), name, event, before, after, target, reason))
    writer.close()
    return list(read_history(path))


@given(steps=st.lists(STEPS, max_size=30), names=st.sets(st.sampled_from(NAMES)))
def test_entries_of_some_names_are_those_of_the_whole_file(tmp_path_factory, steps, names):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    whole = written(path, steps)
    assert list(read_history(path, names)) == [each for each in whole if each.name in names]


@given(steps=st.lists(STEPS, max_size=30), from_at=st.integers(0, 400))
def test_a_window_of_the_file_has_the_availability_of_the_whole(tmp_path_factory, steps, from_at):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    whole = written(path, sorted(steps))
    part = read_since(path, from_at - START_ALLOWANCE_S)
    assert summaries(part, from_at, 500.0) == summaries(whole, from_at, 500.0)
    recent = [each for each in whole if each.at >= from_at]
    assert part[len(part) - len(recent) :] == recent


def test_old_lines_are_not_parsed_but_for_the_last_state_of_each_name(path, monkeypatch):
    monkeypatch.setattr(file, "PARSED_AT_ONCE", 2)
    whole = written(
        path, [(at, f"thermo{at % 3}", "Exited", "up", "down", "up") for at in range(20)]
    )
    assert [each.at for each in read_since(path, 18.0)] == [
        13.0,
        14.0,
        15.0,
        16.0,
        17.0,
        18.0,
        19.0,
    ]
    assert read_since(path, 0.0) == whole
    assert [each.at for each in read_since(path, 100.0)] == [15.0, 16.0, 17.0, 18.0, 19.0]


def test_what_was_written_before_the_clock_was_set_back_is_older(path, monkeypatch):
    monkeypatch.setattr(file, "PARSED_AT_ONCE", 1)
    whole = written(path, [(at, "thermo1", "Exited", "up", "down", "up") for at in (9, 8, 1, 2)])
    assert read_since(path, 2.0) == whole[1:]


def test_an_entry_that_was_written_late_ends_no_search_for_older_ones(path, monkeypatch):
    monkeypatch.setattr(file, "PARSED_AT_ONCE", 1)
    states = [(at, "thermo1", "Exited", "up", "down", "up") for at in (10, 11, 12)]
    whole = written(
        path, [*states, (3, "alarms", "alarm-raised", "", "", ""), (13, *states[0][1:])]
    )
    assert read_since(path, 10.0) == whole


@pytest.mark.parametrize(
    "torn", [b"", b"[]", b"{", b'{"at": 1.0, "name": "thermo1"', b"\xff", b"7"]
)
def test_a_torn_line_costs_no_other(path, torn):
    written(path, [(1, "thermo1", "Exited", "up", "down", "up")])
    path.write_bytes(path.read_bytes() + torn + b"\n" + path.read_bytes())
    entries = read_history(path)
    assert [each.at for each in entries] == [1.0, 1.0]
    assert read_since(path, 0.0) == read_history(path, {"thermo1"}) == entries
