"""A disk that takes nothing: the recording pauses, and the agents' spools fill the hole."""

import errno
import os

import pytest

import ocsd.aggregator.recording.pause
from ocsd.errors import DataFolderError
from tests.unit.aggregator.rig import START, Recording


class FullDisk:
    """os.write as a full disk does it: half of the record fits."""

    def __init__(self, monkeypatch):
        self.full = False
        self._write = os.write
        monkeypatch.setattr("ocsd.aggregator.disk.append_file.os.write", self)

    def __call__(self, descriptor, data):
        if not self.full:
            return self._write(descriptor, data)
        if len(data) > 10:
            return self._write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_gaps(recording, messages):
    """Give the recorder what it lacks, as an agent's spool does."""
    for pending in recording.recorder.pending().values():
        for first, end in pending.missing:
            for number in range(first, end):
                recording.send(**messages[number])


def test_a_full_disk_pauses_the_recording_and_the_spool_fills_the_hole(recording, monkeypatch):
    disk = FullDisk(monkeypatch)
    messages = {}
    for i in range(60):
        disk.full = 10 < i < 40
        messages[i] = {"timestamps": [recording.clock.at], "seq": i, "a": [i]}
        messages[i]["info"] = {"agg_params": {"frame_length": 5}}
        recording.send(**messages[i])
        recording.run(1)
        if i == 30:
            trouble = recording.recorder.encoded()["trouble"]
            assert trouble == (
                f"recording pauses: cannot write the data folder {recording.folder}: No space left "
                "on device; make room in it, or change --data-dir; then it goes on by itself, and "
                "fetches from the agents what it has left out"
            )
    data = recording.recorder.encoded()
    assert data["trouble"] is None
    assert data["left_out"] == {"observatory.thermo1": 30}
    assert data["missing"] == {"observatory.thermo1.feeds.temps": 30}
    (outage,) = recording.parts.ledger.outages
    assert outage.cause.startswith("recording paused: cannot write the data folder")
    assert outage.ended_at - outage.began_at == 30
    fill_gaps(recording, messages)
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(60))
    assert recording.recorder.encoded()["missing"] == {}


def test_a_full_disk_is_a_line_at_its_begin_and_one_at_its_end(recording, monkeypatch):
    disk = FullDisk(monkeypatch)
    for i in range(400):
        disk.full = 100 <= i % 200 < 150
        for agent in ("a", "b"):
            recording.send([recording.clock.at], seq=i, feed=f"{agent}.feeds.x", n=[i])
        recording.send([recording.clock.at], feed="old.feeds.x", n=[i])
        recording.run(1)
    _opened, *lines = [line for line in recording.log.lines if "are lost" not in line]
    again = (
        "recording again after 51 s; 102 messages were left to the agents and are fetched now; "
        "51 messages without numbers are gone"
    )
    assert len(lines) == 4
    assert all(line.startswith("recording pauses: cannot write") for line in lines[::2])
    assert lines[1::2] == [again, again]


def test_a_hole_is_recorded_after_the_pause_and_is_no_message_that_was_dropped(
    recording, monkeypatch
):
    disk = FullDisk(monkeypatch)
    for number in (0, 2):
        recording.send([START + number], seq=number, a=[1])
    disk.full = True
    recording.run(1)
    key, pending = next(iter(recording.recorder.pending().items()))
    recording.lose(key, 1, 1, "nobody has it")
    assert recording.recorder.encoded()["dropped"] == {}
    assert recording.recorder.pending()[key] == pending
    disk.full = False
    recording.run(1)
    recording.lose(key, 1, 1, "nobody has it")
    recording.recorder.close()
    assert [hole["first"] for hole in recording.holes()] == [1]


def test_rotation_on_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    recording = Recording(tmp_path, time_per_file_s=60)
    recording.start()
    disk = FullDisk(monkeypatch)
    messages = {}
    for i in range(200):
        disk.full = 50 < i < 130
        messages[i] = {"timestamps": [recording.clock.at], "seq": i, "a": [i]}
        recording.send(**messages[i])
        recording.run(1)
    fill_gaps(recording, messages)
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(200))


def test_what_has_no_number_is_dropped_by_a_full_disk_counted_and_estimated(recording, monkeypatch):
    disk = FullDisk(monkeypatch)
    for i in range(30):
        disk.full = 10 <= i < 20
        recording.send([recording.clock.at], a=[i])
        recording.run(1)
    assert recording.recorder.encoded()["dropped"] == {"observatory.thermo1": 11}
    recording.recorder.close()
    assert len(recording.read("thermo1.feeds.temps.a")[1]) == 19
    (hole,) = recording.holes()
    assert hole["estimated"]
    assert hole["count"] == 0
    assert (hole["from_time"], hole["until_time"]) == (START + 9, START + 21)
    assert "No space left" in hole["cause"]


class ForbiddenFile:
    """os.open that makes no G3 file, while the journal can be written."""

    def __init__(self, monkeypatch):
        self.forbidden = False
        self._open = os.open
        monkeypatch.setattr("ocsd.aggregator.disk.append_file.os.open", self)

    def __call__(self, path, *more, **named):
        if self.forbidden and str(path).endswith(".g3"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return self._open(path, *more, **named)


def test_while_only_the_files_are_refused_the_journal_takes_what_memory_can_hold(
    tmp_path, monkeypatch
):
    recording = Recording(tmp_path, time_per_file_s=10)
    recording.start()
    monkeypatch.setattr(ocsd.aggregator.recording.pause, "MOST_WAITING_BYTES", 20 * 136)
    disk = ForbiddenFile(monkeypatch)
    messages = {}
    for i in range(60):
        disk.forbidden = 5 < i < 50
        messages[i] = {"timestamps": [recording.clock.at], "seq": i, "a": [i]}
        recording.send(**messages[i])
        recording.run(1)
        if i == 12:
            assert recording.recorder.trouble.startswith(
                "recording goes on in the journal, the files wait: cannot write the data folder"
            )
            assert recording.recorder.held_up
    assert recording.recorder.trouble is None
    left_out = recording.recorder.encoded()["left_out"]["observatory.thermo1"]
    assert 15 < left_out < 40
    fill_gaps(recording, messages)
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(60))


def test_what_no_file_takes_at_the_end_is_in_the_journal_for_the_next_start(tmp_path, monkeypatch):
    recording = Recording(tmp_path, time_per_file_s=10)
    recording.start()
    disk = ForbiddenFile(monkeypatch)
    disk.forbidden = True
    recording.run(11)
    recording.send([START], seq=0, a=[7])
    with pytest.raises(DataFolderError, match="136 bytes of samples wait in the journal"):
        recording.recorder.close()
    disk.forbidden = False
    again = Recording(tmp_path, clock=recording.clock)
    again.start()
    again.send([START], seq=0, a=[7])
    again.recorder.close()
    assert list(again.read("thermo1.feeds.temps.a")[1]) == [7]
