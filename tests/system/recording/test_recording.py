"""Agents, a real router and the aggregator: what is published is on disk."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from so3g.hk import HKArchiveScanner, load_range

from ocsd.router import config
from ocsd.site.model import Hub

pytestmark = pytest.mark.system

HERE = Path(__file__).parents[1]
FEED = "observatory.fake-data1.feeds.false_temperatures"
REGISTRY_FEED = "observatory.registry.feeds.agent_operations"
CHANNELS = [f"channel_{number:02}" for number in range(16)]


def wait_for(condition, what, limit_s=30.0):
    """Return what `condition` returns, once that is true."""
    end = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(OSError, LookupError):
            result = condition()
            if result:
                return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s for {what}")
        time.sleep(0.02)


class Rig:
    """A router and agents, each a process; ended with the test."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        self.hub = Hub(
            wamp_server=f"ws://127.0.0.1:{port}/ws", wamp_http=f"http://127.0.0.1:{port}/call"
        )
        self.data = folder / "data"
        self.router = None
        self.processes = {}
        config.write(folder / "router", self.hub, folder / "router.sock")

    def start_router(self):
        crossbar = str(Path(sys.executable).with_name("crossbar"))
        start = config.start(crossbar, self.folder / "router")
        self.router = self._spawn("router", start.command, start.environment)
        # Its children outlive a killed crossbar, so the whole group is killed.
        wait_for(lambda: socket.create_connection(("127.0.0.1", self.port), 1), "the router")

    def kill_router(self):
        os.killpg(self.router.pid, signal.SIGKILL)
        self.router.wait()

        def closed():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except ConnectionRefusedError:
                return True
            return False

        wait_for(closed, "the router's port to close")

    def start_agent(self, instance_id, module, *arguments):
        command = [sys.executable, *module, *arguments, "--site=none"]
        command += ["--site-hub", self.hub.wamp_server, "--instance-id", instance_id]
        self.processes[instance_id] = self._spawn(instance_id, command)

    def start_aggregator(self, *arguments, folder=None):
        self.start_agent(
            "aggregator",
            ("-m", "ocsd.aggregator.agent"),
            "--data-dir",
            str(folder or self.data),
            "--initial-state",
            "record",
            *arguments,
        )

    def start_fake_data(self, *arguments):
        module = ("-m", "ocsd_agents.fake_data.agent")
        self.start_agent("fake-data1", module, "--mode", "acq", *arguments)

    def start_listener(self):
        self.start_agent("listener", (str(HERE / "feed_listener.py"), str(self.folder / "heard")))
        wait_for(lambda: self.op("listener", "get_api", whole=True), "the listener")

    def end(self, instance_id):
        """End an agent with SIGTERM and return its exit code."""
        self.processes[instance_id].send_signal(signal.SIGTERM)
        return self.processes[instance_id].wait(20)

    def op(self, instance_id, *arguments, whole=False):
        address = f"observatory.{instance_id}" + ("" if whole else ".ops")
        body = json.dumps({"procedure": address, "args": list(arguments)}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.hub.wamp_http, body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            result = json.load(answer)
        if "error" in result:
            raise LookupError(result)  # not there (yet)
        return result["args"][0]

    def session(self, instance_id, op_name):
        return self.op(instance_id, "status", op_name)[2]

    def recording(self):
        return self.session("aggregator", "record")["data"]

    def heard(self, address):
        """Return the messages that the listener heard of a feed, in order, each once."""
        lines = (self.folder / "heard").read_text().splitlines()
        pairs = [json.loads(line) for line in lines]
        return [message for message, info in pairs if info["address"] == address]

    def code_published_at(self, operation, code):
        """Return when the registry published a code of an operation; None if it has not."""
        name = f"observatory_{operation}"
        blocks = [m[name] for m in self.heard(REGISTRY_FEED) if name in m]
        times = [b["timestamps"][-1] for b in blocks if b["data"][name][-1] == code]
        return times[-1] if times else None

    def read(self):
        scanner = HKArchiveScanner()
        for path in sorted(self.data.glob("*/*.g3")):
            scanner.process_file(str(path))
        return scanner.finalize()

    def close(self):
        for process in [*self.processes.values(), self.router]:
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _spawn(self, name, command, environment=None):
        with open(self.folder / f"{name}.log", "ab") as log:
            return subprocess.Popen(
                command,
                env=os.environ | (environment or {}),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path, next(PORTS))
    try:
        rig.start_router()
        yield rig
    finally:
        rig.close()


def free_ports():
    for port in range(18150, 18200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                yield port


PORTS = free_ports()


def columns(messages, block, names):
    """Return times and the named columns of a feed's messages."""
    times = np.concatenate([message[block]["timestamps"] for message in messages])
    values = {
        name: np.concatenate([message[block]["data"][name] for message in messages])
        for name in names
    }
    return times, values


def compare(archive, heard, cut=None):
    """Check that an archive holds what the listener heard; both from the same start."""
    times, values = columns(heard, "temps", CHANNELS)
    (read_times, *_), *_ = pairs = archive.simple(
        [f"{FEED}.{name}" for name in CHANNELS], short_match=False
    )
    first = np.searchsorted(read_times, times[0] - 1e-3)
    read_times = read_times[first:]
    count = min(len(times), len(read_times))
    assert abs(len(times) - len(read_times)) <= 8  # what came while one of the two ended
    np.testing.assert_allclose(read_times[:count], times[:count], rtol=0, atol=1e-6)
    for name, (_, column) in zip(CHANNELS, pairs, strict=True):
        assert list(column[first:][:count]) == list(values[name][:count])
    return count


def test_what_is_published_is_on_disk(rig):
    rig.start_listener()
    rig.start_agent("registry", ("-m", "ocsd.registry.agent"))
    rig.start_aggregator("--time-per-file", "4")
    wait_for(lambda: rig.recording()["current_file"], "the recording")
    rig.start_fake_data("--num-channels", "16", "--sample-rate", "20", "--frame-length", "2")
    wait_for(lambda: rig.recording()["samples"] > 200, "200 samples")
    agents = wait_for(
        lambda: (d := rig.session("registry", "main")["data"]) and len(d) == 4 and d, "4 agents"
    )
    assert agents["observatory.fake-data1"]["op_codes"]["acq"] == 3
    assert agents["observatory.registry"]["agent_class"] == "RegistryAgent"
    data = rig.recording()
    assert {FEED, REGISTRY_FEED} <= set(data["providers"])
    assert data["providers"][FEED]["last_block_received"] == "temps"
    assert data["missing"] == data["duplicates"] == data["refused"] == data["dropped"] == {}
    assert rig.end("fake-data1") == 0
    wait_for(
        lambda: rig.session("registry", "main")["data"]["observatory.fake-data1"]["expired"],
        "the expiry",
    )
    expired_at = wait_for(lambda: rig.code_published_at("fake_data1_acq", 7), "code 7 on the feed")
    wait_for(
        lambda: rig.recording()["providers"][REGISTRY_FEED]["last_refresh"] >= expired_at,
        "code 7 at the aggregator",
    )
    assert rig.end("aggregator") == 0

    assert len(list(rig.data.glob("*/*.g3"))) >= 2
    archive = rig.read()
    heard = rig.heard(FEED)
    times, _ = columns(heard, "temps", [])
    assert np.ptp(np.diff(times)) < 1e-6  # no gap, no repeat
    assert compare(archive, heard) == len(times)
    fields = archive.get_fields()[0]
    codes = archive.simple(f"{REGISTRY_FEED}.observatory_fake_data1_acq", short_match=False)[1]
    assert f"{FEED}.channel_15" in fields
    assert codes[-1] == 7
    field = f"{FEED}.channel_03"
    loaded = load_range(
        float(times[0]) - 1, float(times[-1]) + 1, fields=[field], data_dir=str(rig.data)
    )
    assert len(loaded[field][0]) == len(times)


def test_nothing_is_lost_or_doubled_while_the_router_is_away(rig):
    rig.start_aggregator()
    wait_for(lambda: rig.recording()["current_file"], "the recording")
    rig.start_fake_data("--sample-rate", "20")
    wait_for(lambda: rig.recording()["samples"] > 40, "samples")
    rig.kill_router()
    time.sleep(2.5)  # the outage itself
    rig.start_router()
    before = wait_for(rig.recording, "the aggregator")["samples"]
    wait_for(lambda: rig.recording()["samples"] > before + 60, "more samples")
    data = rig.recording()
    assert data["duplicates"] == {}
    assert rig.end("aggregator") == 0
    times, _ = rig.read().simple(f"{FEED}.channel_00", short_match=False)
    steps = np.diff(times)
    assert (steps > 0).all()
    # Ones published into the dying connection are gone; they are counted.
    missing = data["missing"].get(FEED, 0)
    gaps = np.rint(steps * 20) - 1
    assert gaps.sum() <= missing * 20


def test_record_can_be_stopped_and_started(rig):
    rig.start_aggregator()
    rig.start_fake_data("--sample-rate", "20")
    wait_for(lambda: rig.recording()["samples"] > 20, "samples")
    first = rig.recording()["current_file"]
    assert rig.op("aggregator", "stop", "record")[0] == 0
    code, text, session = rig.op("aggregator", "wait", "record", None, 10)
    assert (code, session["success"]) == (0, True), text
    assert rig.op("aggregator", "start", "record")[0] == 0
    wait_for(lambda: rig.recording()["samples"] > 20, "samples")
    second = rig.recording()["current_file"]
    assert first != second
    assert rig.end("aggregator") == 0
    times, _ = rig.read().simple(f"{FEED}.channel_00", short_match=False)
    assert (np.diff(times) > 0).all()


def test_a_folder_that_cannot_be_written_fails_record_but_not_the_agent(rig):
    (rig.folder / "file").touch()
    rig.start_aggregator(folder=rig.folder / "file")
    session = wait_for(
        lambda: (s := rig.session("aggregator", "record"))["status"] == "done" and s, "the failure"
    )
    assert session["success"] is False
    assert any("cannot write the data folder" in text for _, text in session["messages"])
    assert rig.op("aggregator", "get_agent_class", whole=True) == "AggregatorAgent"
    assert rig.end("aggregator") == 0
