"""Waiting for the disk, and what follows if it does not keep what it was given."""

import json
import os
import threading

import pytest

from ocsd.aggregator import upkeep
from ocsd.aggregator.upkeep import ROUND_S, Thread
from tests.unit.aggregator.recording import START


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
    assert "Input/output error" in recording.recorder.trouble
    monkeypatch.setattr(upkeep, "sync_and_close", sync)
    recording.run(ROUND_S + 1)
    assert recording.recorder.trouble is None
    recording.recorder.close()
    assert journal(recording) == ["00000000.wal"]


def test_a_ledger_that_cannot_be_written_keeps_the_journal(recording, monkeypatch):
    def refuse(path, snapshot):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(upkeep.ledger, "write", refuse)
    recording.send([START], seq=0, a=[1])
    recording.recorder.close()
    assert journal(recording) == ["00000000.wal"]


def test_a_slow_disk_is_waited_for_elsewhere():
    thread, end = Thread(), threading.Event()
    assert not thread.busy
    thread.submit(lambda: end.wait(20) and None)
    assert thread.busy
    end.set()
    thread.close()
    assert not thread.busy


@pytest.mark.parametrize("missing", [OSError, AttributeError])
def test_another_c_library_than_glibc_does_no_harm(monkeypatch, missing):
    from ocsd.aggregator import heap

    def load(_name):
        raise missing("no such library")

    monkeypatch.setattr(heap.ctypes, "CDLL", load)
    heap.keep_freed_memory()
