"""Waiting for the disk, and what follows if it does not keep what it was given."""

import contextlib
import json
import os
import threading

import pytest

from ocsd.aggregator.disk import upkeep
from ocsd.aggregator.disk.upkeep import ROUND_S, Worker
from tests.unit.aggregator.rig import START, Recording
from tests.unit.shortages import no_descriptors


def journal(recording):
    return sorted(path.name for path in recording.folder.glob("ocsd/journal/*.wal"))


def test_the_ledger_is_renewed_every_round(recording):
    recording.run(1)
    path = recording.folder / "ocsd" / "ledger.json"
    first = json.loads(path.read_text())["alive_at"]
    recording.send([START], seq=0, a=[1])
    recording.run(ROUND_S)
    stored = json.loads(path.read_text())
    assert stored["alive_at"] >= first + ROUND_S - 1
    assert stored["recorded_since"] == START
    (source,) = stored["sources"]
    assert source["sequence"]["seen"] == [0, 1]


def test_after_a_disk_has_lost_what_it_was_given_no_segment_is_deleted(recording, monkeypatch):
    sync = upkeep.sync_and_close

    def broken(descriptor):
        os.close(descriptor)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(upkeep, "sync_and_close", broken)
    recording.run(1)
    monkeypatch.setattr(upkeep, "sync_and_close", sync)
    recording.run(2 * ROUND_S)
    # That the next sync succeeds means nothing; so this stays until somebody acts.
    told = (
        f"recording goes on, but the disk of {recording.folder} has not kept all that was "
        "written: Input/output error; see to the disk (`dmesg` says more) and restart the "
        "aggregator, whose journal grows until then"
    )
    assert recording.recorder.trouble == told
    assert recording.log.lines.count(told) == 1
    assert not recording.recorder.held_up
    recording.recorder.close()
    assert journal(recording) == ["00000000.wal"]


def no_room(*_):
    raise OSError(28, "No space left on device")


def test_a_ledger_that_cannot_be_written_keeps_the_journal(recording, monkeypatch):
    monkeypatch.setattr(os, "replace", no_room)
    recording.send([START], seq=0, a=[1])
    recording.run(ROUND_S + 10)
    told = "recording goes on, but its journal grows: cannot write the data folder "
    assert recording.recorder.trouble.startswith(told)
    assert len([line for line in recording.log.lines if line.startswith(told)]) == 1
    recording.recorder.close()
    assert journal(recording) == ["00000000.wal"]
    assert not list(recording.folder.glob("ocsd/*.new"))


def test_a_ledger_that_can_be_written_again_is_soon_no_trouble(recording, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(os, "replace", no_room)
        recording.run(1)
    assert recording.recorder.trouble
    recording.run(1)
    assert recording.recorder.trouble is None


def test_a_lack_of_descriptors_delays_what_is_due_and_no_more(tmp_path):
    recording = Recording(tmp_path, time_per_file_s=20)
    recording.start()
    for number in range(60):
        recording.send([recording.clock.at], seq=number, a=[number])
        lacks = 15 < number < 55
        with no_descriptors() if lacks else contextlib.nullcontext():
            recording.run(1)
        assert bool(recording.recorder.trouble) == lacks
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(60))
    assert journal(recording) == []


def test_a_slow_disk_is_waited_for_elsewhere():
    worker, end = Worker(), threading.Event()
    assert not worker.busy
    worker.submit(lambda: end.wait(20) and None)
    assert worker.busy
    end.set()
    worker.close()
    assert not worker.busy


@pytest.mark.parametrize("missing", [OSError, AttributeError])
def test_another_c_library_than_glibc_does_no_harm(monkeypatch, missing):
    from ocsd.aggregator.frames import heap

    def load(_name):
        raise missing("no such library")

    monkeypatch.setattr(heap.ctypes, "CDLL", load)
    heap.keep_freed_memory()
