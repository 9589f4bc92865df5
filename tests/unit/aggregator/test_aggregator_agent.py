import argparse
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from ocsd.agent.session import OpSession
from ocsd.agent.wamp import ComponentConfig
from ocsd.aggregator.agent import Aggregator, data_folder, make_parser
from ocsd.ocs_agent import OCSAgent
from ocsd.site import launch as launches
from ocsd.site.launch import Launch


def make_aggregator(folder, record_at_start=True):
    args = SimpleNamespace(instance_id="aggregator", address_root="observatory")
    agent = OCSAgent(ComponentConfig("test_realm", {}), args, address="observatory.aggregator")
    return Aggregator(agent, folder, 3600.0, record_at_start)


def message(number):
    feed_info = {
        "agent_address": "observatory.a",
        "address": "observatory.a.feeds.f",
        "session_id": "1",
        "record": True,
        "seq": number,
    }
    return [{"b": {"timestamps": [float(number)], "data": {"x": [number]}}}, feed_info]


def test_what_came_before_the_stop_is_written_and_nothing_is_waited_for(tmp_path):
    aggregator = make_aggregator(tmp_path)
    aggregator.receive(message(0))  # before `record` is entered
    session = OpSession(0, "record", status="running")
    results = []
    thread = threading.Thread(
        target=lambda: results.append(aggregator.record(session, {"test_mode": False}))
    )
    thread.start()
    for number in range(1, 500):
        aggregator.receive(message(number))
    aggregator.receive("no pair")
    aggregator.stop_record(session, {})
    thread.join(20)
    assert results == [(True, "recording has ended")]
    assert session.data["messages"] == 500
    assert session.data["buffered_bytes"] == 0
    assert session.data["missing"] == {}
    assert aggregator._incoming.empty()


def test_a_folder_that_cannot_be_written_fails_the_process_with_the_reason(tmp_path):
    (tmp_path / "file").touch()
    aggregator = make_aggregator(tmp_path / "file")
    session = OpSession(0, "record", status="running")
    aggregator.receive(message(0))
    ok, text = aggregator.record(session, {"test_mode": False})
    assert not ok
    assert text.startswith(f"cannot write the data folder {tmp_path}/file: ")
    assert session.degraded
    aggregator.receive(message(1))
    assert aggregator._incoming.empty()


def test_an_idle_aggregator_collects_nothing(tmp_path):
    aggregator = make_aggregator(tmp_path, record_at_start=False)
    aggregator.receive(message(0))
    assert aggregator._incoming.empty()


def test_by_hand_the_data_folder_has_to_be_given(tmp_path, capsys):
    parser = make_parser()
    with pytest.raises(SystemExit):
        data_folder(parser.parse_args([]), parser)
    assert "--data-dir" in capsys.readouterr().err
    args = argparse.Namespace(data_dir="here", working_dir=str(tmp_path))
    assert data_folder(args, parser) == tmp_path / "here"


def test_ocsd_keeps_the_data_in_the_state_folder_of_the_host(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    launch = Launch.model_validate(
        {
            "site_file": None,
            "host": "grumpy",
            "hub": {"wamp_server": "ws://localhost:8001/ws", "wamp_http": "http://localhost/call"},
            "instance": {"instance-id": "aggregator", "agent-class": "AggregatorAgent"},
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
