import argparse
import errno
import json
import subprocess
import sys
import threading
import time
from functools import partial
from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from ocsd.agent.operations.session import OpSession
from ocsd.aggregator.agent import Aggregator, data_folder, make_parser
from ocsd.aggregator.fetching.ask import Snapshot
from ocsd.aggregator.recording.intake import Intake
from ocsd.aggregator.recording.recorder import Recorder
from ocsd.bus.wamp import ComponentConfig
from ocsd.errors import DataFolderError
from ocsd.ocs_agent import OCSAgent
from ocsd.reactor import threads
from ocsd.site.values import told as launches
from ocsd.site.values.told import ToldLaunch
from tests.unit.agent.spool.spool_life import Life
from tests.unit.aggregator import rig


class Reactor(Clock):
    """A reactor that keeps what other threads ask of it."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def callFromThread(self, function, *args):
        self.asked.append((function, args))

    def addReader(self, _reader):
        """Wait for nothing: the recording thread reads once a second as well."""

    def removeReader(self, _reader):
        pass

    def turn(self):
        """Do what was asked for."""
        asked, self.asked = self.asked, []
        for function, args in asked:
            function(*args)


@pytest.fixture(autouse=True)
def reactor():
    reactor = Reactor()
    threads.use_reactor(reactor)
    yield reactor
    reactor.turn()
    threads.use_reactor(None)
    assert reactor.getDelayedCalls() == []


class Record:
    """The process `record` in a thread of its own."""

    def __init__(self, aggregator):
        self.aggregator = aggregator
        self.session = OpSession(0, "record", status="running")
        self.results = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        self.results.append(self.aggregator.record(self.session, {"test_mode": False}))

    def stop(self):
        self.aggregator.stop_record(self.session, {})
        self.thread.join(20)
        assert self.results == [(True, "recording has ended")]
        return self.session.data


def make_aggregator(folder, record_at_start=True, **doubles):
    args = SimpleNamespace(instance_id="aggregator", address_root="observatory")
    agent = OCSAgent(ComponentConfig("test_realm", {}), args, address="observatory.aggregator")
    return Aggregator(agent, folder, 3600.0, record_at_start, **doubles)


NOTHING_YET = {
    "trouble": None,
    "lost": {},
    "estimated_holes": {},
    "refused": {},
    "refused_because": {},
    "not_kept": {},
    "not_kept_because": {},
    "dropped": {},
    "left_out": {},
}


def heartbeat(session_id, **feeds):
    feed_info = {
        "agent_address": "observatory.a",
        "address": "observatory.a.feeds.heartbeat",
        "feed_name": "heartbeat",
        "session_id": session_id,
        "record": False,
        "seq": 7,
        "feeds": feeds,
    }
    return [{}, feed_info]


def message(number, session_id="1"):
    feed_info = {
        "agent_address": "observatory.a",
        "address": "observatory.a.feeds.f",
        "session_id": session_id,
        "record": True,
        "seq": number,
    }
    return [{"b": {"timestamps": [time.time()], "data": {"x": [number]}}}, feed_info]


def test_what_came_before_the_stop_is_written_and_nothing_is_waited_for(tmp_path):
    aggregator = make_aggregator(tmp_path)
    aggregator.receive(message(0))  # before `record` is entered
    record = Record(aggregator)
    for number in range(1, 500):
        aggregator.receive(message(number))
    aggregator.receive("no pair")
    data = record.stop()
    assert data["messages"] == 500
    assert data["buffered_bytes"] == 0
    assert data["missing"] == {}
    assert data["waiting"] == data["waiting_bytes"] == 0
    assert aggregator._intake.waiting == 0


def test_a_heartbeat_tells_what_is_missing_in_line_with_the_messages(tmp_path):
    aggregator = make_aggregator(tmp_path)
    # A session that began after this folder was first recorded has to be complete.
    session_id = str(time.time() + 60)
    aggregator.receive(message(0, session_id))
    aggregator.receive(heartbeat(session_id, f=3))
    aggregator.receive(message(1, session_id))
    aggregator.receive(heartbeat(session_id, f="many", g=2))
    data = Record(aggregator).stop()
    assert data["missing"] == {"observatory.a.feeds.f": 1, "observatory.a.feeds.g": 2}


def test_what_agents_of_this_host_publish_is_read_from_their_spools(tmp_path):
    session_id = str(time.time() + 60)
    life = Life(tmp_path / "spool" / "a", session_id)
    life.more_info = {"record": True, "address": "observatory.a.feeds.f"}
    life.put("f", *(message(number)[0] for number in range(5)))
    aggregator = make_aggregator(tmp_path / "data", spools=tmp_path / "spool")
    aggregator.receive(message(4, session_id))
    aggregator.receive(heartbeat(session_id, f=5))
    data = Record(aggregator).stop()
    assert (data["messages"], data["missing"], data["duplicates"]) == (5, {}, {})
    assert (data["read"], data["fetched"]) == (5, 0)
    life.feeds["f"].spool.close()


def test_when_the_queue_is_full_what_has_a_number_is_left_to_the_spool(tmp_path):
    aggregator = make_aggregator(tmp_path, intake=Intake(most_bytes=1))
    aggregator.receive(message(0))
    aggregator.receive(message(1))
    pair = message(2)
    del pair[1]["seq"]
    aggregator.receive(pair)
    aggregator.receive([{}, "not a map"])
    data = Record(aggregator).stop()
    assert data["messages"] == 1
    assert data["left_out"] == {"observatory.a": 1}
    assert data["dropped"] == {"observatory.a": 1, "unknown": 1}


def test_time_without_the_router_is_noted(tmp_path):
    aggregator = make_aggregator(tmp_path)
    aggregator._joined()
    aggregator.receive(message(0))
    began_at = time.time()
    aggregator._left()
    aggregator._joined()
    Record(aggregator).stop()
    ledger = json.loads((tmp_path / "ocsd" / "ledger.json").read_text())
    [(from_time, until_time, cause)] = ledger["outages"]
    assert cause == "the aggregator had no link to the router"
    assert began_at - 1 < from_time <= until_time < began_at + 20


def test_a_second_report_of_the_same_absence_does_not_shorten_it(tmp_path):
    clock = rig.Clock(at=1000.0)
    aggregator = make_aggregator(tmp_path, clock=clock)
    aggregator.receive(message(0))
    aggregator._left()
    clock.advance(500)
    aggregator._left()
    aggregator._joined()
    Record(aggregator).stop()
    ledger = json.loads((tmp_path / "ocsd" / "ledger.json").read_text())
    assert [outage[:2] for outage in ledger["outages"]] == [[1000.0, 1500.0]]


def test_an_agent_is_not_asked_over_a_link_that_is_gone(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(OCSAgent, "call", lambda _, address: asked.append(address) or {})
    aggregator = make_aggregator(tmp_path)
    aggregator._fetcher.update(Snapshot({}, in_trouble=False))
    aggregator.receive(message(0))
    aggregator._left()
    aggregator._step()
    assert asked == []
    aggregator._joined()
    aggregator.receive(message(1))
    aggregator._step()
    assert asked == ["observatory.a.spool"]


def test_the_reactor_shows_the_lag_while_the_recording_thread_is_held_up(tmp_path):
    clock = rig.Clock()
    intake = Intake(monotonic=lambda: clock.mono_s)
    aggregator = make_aggregator(tmp_path, intake=intake, clock=clock)
    aggregator.receive(message(0))
    # As `record` does it.
    aggregator._session = session = OpSession(0, "record", status="running")
    aggregator._recorded = NOTHING_YET
    clock.advance(12)
    aggregator._step()
    assert session.data["lag_s"] == 12.0
    assert session.degraded
    assert session.data["reason"] == "12 s behind: 1 messages wait to be recorded"


def test_a_folder_that_cannot_be_written_fails_the_process_with_the_reason(tmp_path):
    (tmp_path / "file").touch()
    aggregator = make_aggregator(tmp_path / "file")
    session = OpSession(0, "record", status="running")
    aggregator.receive(message(0))
    ok, text = aggregator.record(session, {"test_mode": False})
    assert not ok
    assert text.startswith(f"cannot write the data folder {tmp_path}/file: ")
    # Until the end is told with that text, nobody shall see a trouble without words.
    assert not session.degraded
    aggregator.receive(message(1))
    assert aggregator._intake.waiting == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EAGAIN])
def test_a_folder_that_is_of_no_use_for_a_while_is_tried_again(tmp_path, number):
    fails = [1] * 3

    def open_at_last(*parts):
        if fails:
            fails.pop()
            raise DataFolderError("no room") from OSError(number, "no room")
        return Recorder.open(*parts)

    session = OpSession(0, "record", status="running")
    aggregator = make_aggregator(tmp_path, open_recorder=open_at_last, folder_retry_s=0.01)
    aggregator.receive(message(0))
    ok, _ = aggregator.record(session, {"test_mode": True})
    assert ok
    assert session.data["messages"] == 1
    assert fails == []
    assert [text for _, text in session.messages].count("no room") == 1
    assert not session.degraded


def test_the_wait_for_a_folder_ends_with_the_process(tmp_path):
    def refuse(*_):
        session.set_status("stopping")
        raise DataFolderError("no room") from OSError(errno.ENOSPC, "no room")

    session = OpSession(0, "record", status="running")
    aggregator = make_aggregator(tmp_path, open_recorder=refuse)
    assert aggregator.record(session, {"test_mode": False}) == (False, "no room")


class FaultyWorker(rig.AtOnce):
    """A worker for the disk that has a defect at first."""

    def __init__(self):
        self.worked = threading.Event()
        self._defects = [ZeroDivisionError("oh")]

    def submit(self, job):
        if self._defects:
            raise self._defects.pop()
        job()
        self.worked.set()


def test_a_defect_of_ours_is_put_on_record_and_the_recording_goes_on(tmp_path):
    worker = FaultyWorker()
    open_recorder = partial(Recorder.open, worker=worker)
    aggregator = make_aggregator(tmp_path, open_recorder=open_recorder, tick_s=0.01)
    record = Record(aggregator)
    assert worker.worked.wait(20)
    aggregator.receive(message(0))
    data = record.stop()
    assert data["messages"] == 1
    assert data["refused_because"] == {"unknown": "defect of ocsd: ZeroDivisionError('oh')"}


def test_a_message_without_a_feed_info_is_refused_and_an_unrecorded_feed_left_alone(tmp_path):
    aggregator = make_aggregator(tmp_path)
    aggregator.receive([{}, "not a map"])
    unrecorded = message(0)
    unrecorded[1]["record"] = False
    aggregator.receive(unrecorded)
    data = Record(aggregator).stop()
    assert data["messages"] == 0
    assert data["refused_because"] == {"unknown": "its feed_info is a str, not a map"}


def test_an_idle_aggregator_collects_nothing(tmp_path):
    aggregator = make_aggregator(tmp_path, record_at_start=False)
    aggregator.receive(message(0))
    assert aggregator._intake.waiting == 0


def test_by_hand_the_data_folder_has_to_be_given(tmp_path, capsys):
    parser = make_parser()
    with pytest.raises(SystemExit):
        data_folder(parser.parse_args([]), parser)
    assert "--data-dir" in capsys.readouterr().err
    args = argparse.Namespace(data_dir="here", working_dir=str(tmp_path))
    assert data_folder(args, parser) == tmp_path / "here"


def test_ocsd_keeps_the_data_in_the_state_folder_of_the_host(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    launch = ToldLaunch.of(
        {
            "site_file": None,
            "host": "grumpy",
            "hub": {"wamp_server": "ws://localhost:8001/ws", "wamp_http": "http://localhost/call"},
            "instance": {"instance_id": "aggregator", "agent_class": "AggregatorAgent"},
            "working_dir": "/",
        }
    )
    monkeypatch.setattr(launches, "current", lambda: launch)
    parser = make_parser()
    assert data_folder(parser.parse_args([]), parser) == tmp_path / "grumpy" / "data"


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "an hour"])
def test_a_senseless_time_per_file_is_refused(text):
    with pytest.raises(SystemExit):
        make_parser().parse_args(["--time-per-file", text])


def test_importing_the_agents_loads_neither_so3g_nor_a_reactor_and_starts_no_thread():
    code = (
        "import sys, threading, ocsd.aggregator.agent, ocsd.registry.agent;"
        "print([name for name in ('so3g', 'spt3g', 'twisted.internet.reactor')"
        " if name in sys.modules], threading.active_count())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[0] == "[] 1"
