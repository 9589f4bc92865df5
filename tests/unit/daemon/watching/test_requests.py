"""Requests of clients to operations are in the history, at most a start a minute of each."""

import pytest
from twisted.internet.task import Clock

from ocsd.daemon.watching.chronicle import Chronicle
from ocsd.daemon.watching.requests import PAUSE_S, ClientRequests
from ocsd.history.file import HistoryFile, read_history
from ocsd.system.runs import OperationRequest

SIMON = "simon@grumpy (ocsd), from 10.0.0.5"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def record(tmp_path, clock):
    chronicle = Chronicle(HistoryFile(tmp_path / "journal.jsonl"))
    requests = ClientRequests(chronicle, clock)

    def add(*actions, operation="acq", by=SIMON, at=5.0):
        asked = [OperationRequest(action, operation, by, at) for action in actions]
        requests.record("thermo1", 41, asked)
        return [each.event for each in read_history(tmp_path / "journal.jsonl")]

    return add


def test_a_request_has_operation_time_and_client(record, tmp_path):
    assert record("stop") == ["OperationStop"]
    [entry] = read_history(tmp_path / "journal.jsonl")
    assert (entry.name, entry.reason, entry.by) == ("thermo1", "acq", SIMON)
    assert (entry.at, entry.pid) == (5.0, 41)


def test_every_stop_and_abort_is_there(record):
    assert record("stop", "abort", "stop") == ["OperationStop", "OperationAbort", "OperationStop"]


def test_a_task_that_is_started_again_and_again_does_not_fill_the_history(record, clock, tmp_path):
    for _ in range(100):
        record("start")
    assert record("start", by="another") == ["OperationStart"] * 2
    clock.advance(PAUSE_S)
    assert record("start") == ["OperationStart"] * 3
    *_, last = read_history(tmp_path / "journal.jsonl")
    assert last.reason == "acq, after 99 more starts"


def test_an_action_that_this_version_does_not_know_is_left_out(record):
    assert record("invented") == []
