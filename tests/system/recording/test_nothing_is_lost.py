"""Whatever fails: each sample that was published is in the files once, or in a recorded hole."""

import json
import os
import signal
import time
import urllib.request

import numpy as np
import psutil
import pytest
from so3g.hk import HKArchiveScanner

from ocsd import journal
from ocsd.bus.unheard import UnheardFeeds
from tests import forked_commands
from tests.system.agent_processes import LISTEN, Supervisor
from tests.system.faults.test_disk import a_small_disk, fill
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

# Counts up from a number, one sample a message; what it has published is in a file, too.
COUNT = """
import sys, json, os, time
from ocsd import ocs_agent, ocs_twisted, site_config
from ocsd.site.values import told
from twisted.internet.defer import inlineCallbacks
told.set_current(told.ToldLaunch.of(json.loads(sys.argv[1])))
args = site_config.parse_args(args=[])
first, agg_params = json.loads(os.environ['COUNT'])
agent, runner = ocs_agent.init_site_agent(args)
progress = os.open(f'{args.instance_id}-{first}.count', os.O_WRONLY | os.O_CREAT)
running = True

@inlineCallbacks
def count(session, params):
    number = first
    while running:
        data = {'n': number}
        agent.publish_to_feed('counts', {'block_name': 'b', 'timestamp': time.time(), 'data': data})
        number += 1
        os.pwrite(progress, str(number).encode(), 0)
        yield ocs_twisted.dsleep(0.005)
    return True, f'until {number}'

def stop(session, params):
    global running
    running = False

agent.register_feed('counts', record=True, agg_params=agg_params)
agent.register_process('count', count, stop, blocking=False, startup=True)
runner.run(agent)
"""

RECORD = """
import sys, json
from ocsd.site.values import told
from ocsd.aggregator.agent import main
told.set_current(told.ToldLaunch.of(json.loads(sys.argv[1])))
main(['--initial-state', 'record', '--data-dir', sys.argv[2]])
"""


ROUTER_DEAD_S = float(os.environ.get("ROUTER_DEAD_S", "8"))
"""Time for which the router is away [s]; benchmarks/README.md has a minute."""


class Scene(Supervisor):
    """A router, agents that count, and the aggregator."""

    def __init__(self, folder, router):
        super().__init__(folder)
        self.router = router
        self.data = folder / "data"
        self.aggregator = None

    def count(self, monkeypatch, name, first=0, **agg_params):
        monkeypatch.setenv("COUNT", json.dumps([first, agg_params]))
        return self.launch(self.router, name, script=COUNT, force_register=first > 0)

    def record(self):
        script = RECORD.replace("sys.argv[2]", repr(str(self.data)))
        again = self.aggregator is not None
        self.aggregator = self.launch(
            self.router, "aggregator", script=script, force_register=again
        )
        # What a spool gave up before anybody recorded is no hole.
        self.has_recorded(lambda data: not data["trouble"], "the start of the recording")
        return self.aggregator

    def published(self, name, first=0):
        """Return the number after the last sample that an agent has published."""
        file = self.folder / f"{name}-{first}.count"
        return int(file.read_text()) if file.exists() and file.read_text() else first

    def goes_on(self, name, first=0, by=100):
        """Wait for some more samples."""
        goal = self.published(name, first) + by
        wait_until(lambda: self.published(name, first) >= goal, f"more samples of {name}")

    def told(self):
        """Return the session data of `record`; an empty one while there is none."""
        body = json.dumps({"procedure": "observatory.aggregator.ops", "args": ["status", "record"]})
        headers = {"Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.router.port}/call"
        request = urllib.request.Request(url, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                answer = json.load(reply)
        except OSError:
            return {}
        return {} if "error" in answer else answer["args"][0][2].get("data") or {}

    def has_recorded(self, condition, what):
        return wait_until(lambda: (data := self.told()) and condition(data) and data, what)

    def begins(self, *names):
        for name in names:
            address = f"observatory.{name}.feeds.counts"
            data = self.has_recorded(lambda data, it=address: it in data["providers"], address)
        return data

    def catches_up(self):
        """Wait until nothing has been missing for a few heartbeats."""
        since_s = None

        def caught_up():
            nonlocal since_s
            data = self.told()
            if not data or data["missing"] or not data["read"]:
                since_s = None
            elif since_s is None:
                since_s = time.monotonic()
            return since_s is not None and time.monotonic() - since_s > 3

        wait_until(caught_up, "what is missing")

    def ends(self, *agents):
        """End the agents, then the aggregator when it has everything."""
        for agent in agents:
            agent.send_signal(signal.SIGTERM)
        for agent in agents:
            assert agent.wait(20) == 0
        data = self.has_recorded(
            lambda data: data["missing"] == {} and data["waiting"] == 0, "what is missing"
        )
        self.aggregator.send_signal(signal.SIGTERM)
        assert self.aggregator.wait(20) == 0
        assert data["refused"] == {}
        # The agents are on this host: all comes from their spools, whatever was away.
        assert (data["fetched"], data["duplicates"]) == (0, {})
        assert "Traceback" not in self.log()
        verify = ("data", "verify", "--folder", str(self.data))
        verified = forked_commands.run(verify, os.environ, self.data, 60)
        assert verified.returncode == 0, verified.stdout
        return data

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    def newest_in_journal(self, name):
        """Return the highest number of an agent's messages in the journal; -1 without any."""
        segments = journal.segments(journal.journal_folder(self.data))
        entries = [entry for _, path in segments for entry in journal.read(path.read_bytes())]
        messages = [each for each in entries if isinstance(each, journal.Message) and each.blocks]
        sender = f"observatory.{name}"
        numbers = (m.number for m in messages if m.blocks[0].layout.origin.sender == sender)
        return max(numbers, default=-1)

    def archive(self):
        scanner = HKArchiveScanner()
        for path in sorted(self.data.glob("*/*.g3")):
            scanner.process_file(str(path))
        return scanner.finalize()

    def recorded(self, name):
        """Return what is recorded of an agent's numbers as spans, first and last of each."""
        times, values = self.archive().simple(f"observatory.{name}.feeds.counts.n")
        assert len(np.unique(times)) == len(times)
        spans = []
        for value in sorted(int(value) for value in values):
            if spans and value == spans[-1][1] + 1:
                spans[-1] = (spans[-1][0], value)
            else:
                spans.append((value, value))
        return spans

    def holes(self):
        archive = self.archive()
        prefix = "observatory.aggregator.feeds.holes"
        if f"{prefix}.feed" not in archive.get_fields()[0]:
            return []
        names = ("feed", "first", "last", "count", "cause", "from_time", "until_time")
        columns = [archive.simple(f"{prefix}.{name}")[1] for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@pytest.fixture
def scene(router, tmp_path):
    scene = Scene(tmp_path, router)
    yield scene
    for process in scene.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()
    scene.socket.close()


def test_a_killed_aggregator_has_lost_nothing(scene, monkeypatch):
    scene.record()
    agents = [scene.count(monkeypatch, name) for name in ("one", "two")]
    scene.begins("one", "two")
    scene.goes_on("one", by=200)
    scene.kill(scene.aggregator)
    scene.goes_on("two", by=200)
    scene.record()
    scene.catches_up()
    scene.ends(*agents)
    for name in ("one", "two"):
        assert scene.recorded(name) == [(0, scene.published(name) - 1)]
    assert scene.holes() == []


def test_a_killed_router_has_lost_nothing(scene, monkeypatch):
    scene.record()
    agents = [scene.count(monkeypatch, name) for name in ("one", "two")]
    scene.begins("one", "two")
    scene.goes_on("one", by=200)
    scene.router.kill()
    until_s = time.monotonic() + ROUTER_DEAD_S
    while time.monotonic() < until_s:
        # It is recorded all the time that there is no router.
        scene.goes_on("two", by=100)
        goal = scene.published("two")
        wait_until(lambda at=goal - 1: scene.newest_in_journal("two") >= at, "journal entries")
    scene.router.start()
    scene.catches_up()
    scene.ends(*agents)
    for name in ("one", "two"):
        assert scene.recorded(name) == [(0, scene.published(name) - 1)]
    assert scene.holes() == []


def test_a_feed_goes_to_the_router_from_when_somebody_subscribes(scene, monkeypatch):
    scene.record()
    agent = scene.count(monkeypatch, "one")
    feed, spools = "observatory.one.feeds.counts", scene.folder / "state/lab/spool"
    session = scene.begins("one")["providers"][feed]["sessid"]

    def is_unheard():
        return UnheardFeeds(spools).has(feed, session)

    told = scene.folder / "listener.jsonl"
    told.touch()

    def heard():
        """Return the numbers that a listener has heard."""
        pairs = map(json.loads, told.read_text().rpartition("\n")[0].splitlines())
        return [info["seq"] for _, info in pairs if info["address"] == feed]

    wait_until(is_unheard, "a feed that nobody hears")
    listener = scene.launch(scene.router, "listener", script=LISTEN)
    wait_until(lambda: len(heard()) > 100, "messages")
    assert not is_unheard()
    numbers = heard()
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    scene.kill(listener)
    wait_until(is_unheard, "a feed that nobody hears any more")
    assert numbers[0] > 0  # The first ones were not sent.
    scene.ends(agent)
    assert scene.recorded("one") == [(0, scene.published("one") - 1)]


def test_a_stopped_aggregator_has_lost_nothing(scene, monkeypatch):
    aggregator = scene.record()
    agent = scene.count(monkeypatch, "one")
    scene.begins("one")
    aggregator.send_signal(signal.SIGSTOP)
    wait_until(lambda: psutil.Process(aggregator.pid).status() == "stopped", "its stop")
    scene.goes_on("one", by=500)
    aggregator.send_signal(signal.SIGCONT)
    scene.ends(agent)
    assert scene.recorded("one") == [(0, scene.published("one") - 1)]
    assert scene.holes() == []


def test_what_an_agent_published_before_it_was_killed_is_recorded_by_a_later_aggregator(
    scene, monkeypatch
):
    scene.record()
    first = scene.count(monkeypatch, "one")
    scene.begins("one")
    scene.kill(scene.aggregator)
    scene.goes_on("one", by=200)
    scene.kill(first)
    second = scene.count(monkeypatch, "one", first=1_000_000)
    scene.goes_on("one", 1_000_000, by=100)
    scene.record()
    scene.begins("one")
    scene.catches_up()
    scene.ends(second)
    of_first, of_second = scene.recorded("one")
    # The kill may have come after it had published a sample and before it had counted it.
    assert of_first in [(0, scene.published("one") - 1), (0, scene.published("one"))]
    assert of_second == (1_000_000, scene.published("one", 1_000_000) - 1)
    assert scene.holes() == []


def test_what_the_spool_could_not_hold_is_one_hole_with_its_cause(scene, monkeypatch):
    scene.record()
    agent = scene.count(monkeypatch, "one", spool_time=3)
    scene.begins("one")
    scene.kill(scene.aggregator)
    scene.goes_on("one", by=900)
    scene.record()
    data = scene.has_recorded(lambda data: data["lost"], "the hole")
    assert "lost in the last hour" in scene.told()["reason"]
    data = scene.ends(agent)
    [hole] = scene.holes()
    count = hole["last"] - hole["first"] + 1
    assert count == hole["count"] == data["lost"]["observatory.one.feeds.counts"]
    assert scene.recorded("one") == [
        (0, hole["first"] - 1),
        (hole["last"] + 1, scene.published("one") - 1),
    ]
    year = time.strftime("%Y-", time.gmtime())
    assert hole["cause"].startswith(
        f"the aggregator was killed, or its host went down (from {year}"
    )
    assert f"; and the agent's spool reached back only to {year}" in hole["cause"]


def test_what_was_left_out_while_the_disk_was_full_is_fetched_afterwards(scene, monkeypatch):
    with a_small_disk(scene.data):
        filler = scene.data / "filler"
        try:
            scene.record()
            agent = scene.count(monkeypatch, "one")
            scene.begins("one")
            fill(scene.data)
            data = scene.has_recorded(lambda data: data["left_out"], "the trouble")
            assert "No space left on device" in data["reason"]
            scene.hears("the alarm", STATUS="No space left on device")
            scene.goes_on("one", by=300)
            filler.unlink()
            scene.has_recorded(lambda data: data["trouble"] is None, "the recording")
            scene.catches_up()
            scene.ends(agent)
            assert scene.recorded("one") == [(0, scene.published("one") - 1)]
            assert scene.holes() == []
        finally:
            filler.unlink(missing_ok=True)
