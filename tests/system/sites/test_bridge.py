"""A host with a router of its own, and its bridge to the hub: two daemons on one machine."""

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml
from so3g.hk import HKArchiveScanner

from ocsd.bus.unheard import UnheardFeeds
from ocsd.registry.table import EXPIRES_AFTER_S
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

ROOT = "observatory"
LOCAL_LIMIT_S = 5.0
"""Time for an answer from an agent of the same host on a busy machine."""


class TwoRouters:
    """A hub, a leaf with a router of its own, and agents on both."""

    def __init__(self, site):
        self.site = site
        self.leaf_port = free_port()
        self.ports = {"hub": site.port, "leaf": self.leaf_port}
        self.killed = []

    def begin(self):
        folder = self.site.folder / "plugins"
        folder.mkdir()
        probe = Path(__file__).parent / "bridge_probe.py"
        (folder / "ocs_plugin_probe.py").write_text("agents = {'BridgeProbe': 'bridge_probe.py'}")
        (folder / "bridge_probe.py").write_text(probe.read_text())
        rows = {
            "hub": [self.probe("near", "far"), fake_agent("twin", mode="idle")],
            "leaf": [self.probe("far", "near"), fake_agent("thermo", mode="idle")],
        }
        rows["hub"].append(
            {
                "agent-class": "AggregatorAgent",
                "instance-id": "aggregator",
                "arguments": ["--initial-state", "record", "--time-per-file", "20"],
            }
        )
        more = {"agent-paths": ["plugins"]}
        own = {"router": "local", "wamp_server": f"ws://127.0.0.1:{self.leaf_port}/ws"}
        self.site.write(*rows["hub"], host="hub", crossbar={}, **more)
        self.site.write(*rows["leaf"], host="leaf", **own, **more)
        for host in ("hub", "leaf"):
            self.site.bring_up(host)
        self.is_joined()

    @staticmethod
    def probe(name, other):
        entry = {"agent-class": "BridgeProbe", "instance-id": name}
        return {**entry, "arguments": ["--other", other]}

    def bridge(self):
        return self.site.instance("bridge", "leaf")

    def is_joined(self):
        def joined():
            row = self.bridge()
            return row["health"] == "ok" and row["bridge"]["connected"]

        wait_until(joined, "the bridge to be joined")

    def call(self, host, procedure, *args, limit_s=60.0, **kwargs):
        """Call a procedure at the router of a host, as published clients do."""
        body = json.dumps({"procedure": f"{ROOT}.{procedure}", "args": args, "kwargs": kwargs})
        headers = {"Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.ports[host]}/call"
        request = urllib.request.Request(url, body.encode(), headers)
        with urllib.request.urlopen(request, timeout=limit_s) as reply:
            answer = json.load(reply)
        if "error" in answer:
            raise LookupError(answer["error"], answer.get("args"))
        return answer["args"][0]

    def has_other_router(self, host, pid):
        """Whether a router of another pid is up."""
        router = self.site.status(host)["router"]
        return router["state"] == "up" and router["pid"] not in (None, pid)

    def run(self, host, name, task, **params):
        """Run a task of an agent to its end; return its session."""
        status, text, _ = self.call(host, f"{name}.ops", "start", task, params)
        assert status == 0, text
        status, text, session = self.call(host, f"{name}.ops", "wait", task, timeout=60)
        assert status == 0, text
        assert session["success"], session
        return session

    def published(self, host):
        """Return how many numbers the agent of the leaf has counted, asked at a host."""
        _, _, session = self.call(host, "far.ops", "status", "count", limit_s=LOCAL_LIMIT_S)
        return session["data"]["published"]

    def recorder(self):
        """Return the session data of the recorder; an empty one while it cannot be asked."""
        with contextlib.suppress(OSError, LookupError, ValueError):
            return self.call("hub", "aggregator.ops", "status", "record", limit_s=5)[2]["data"]
        return {}

    def numbers(self, host="hub"):
        """Return the numbers of the leaf's agent in the files of a host, in their order."""
        scanner = HKArchiveScanner()
        for path in sorted((self.site.folder / "state" / host / "data").glob("*/*.g3")):
            scanner.process_file(str(path))
        try:
            _, values = scanner.finalize().simple(f"{ROOT}.far.feeds.counts.n")
        except ValueError:  # there are none
            return []
        return sorted(int(each) for each in values)

    def is_unheard(self):
        """Return whether the leaf's agent is told that nobody hears its recorded feed."""
        spools = self.site.folder / "state" / "leaf" / "spool"
        session = max(each.name for each in (spools / "far").iterdir() if each.name[0].isdigit())
        return UnheardFeeds(spools).has(f"{ROOT}.far.feeds.counts", session)

    def router_worker(self, host):
        """Return the process that is a host's router: the worker of crossbar."""
        pid = self.site.status(host)["router"]["pid"]
        (worker,) = psutil.Process(pid).children()
        return worker


@pytest.fixture(scope="module")
def two():
    with a_site(free_port()) as site:
        two = TwoRouters(site)
        two.begin()
        yield two


@pytest.mark.parametrize(("asker", "other"), [("near", "far"), ("far", "near")])
def test_calls_go_both_ways_with_their_values_errors_and_progress(two, asker, other):
    host = {"near": "hub", "far": "leaf"}[asker]
    same, deliberate, unknown, progress = two.run(host, asker, "ask")["data"]["told"]
    assert same is True
    assert deliberate == ["test.error.deliberate", repr(("one", 2)), repr({"three": b"3"})]
    assert unknown[0] == "wamp.error.no_such_procedure"
    assert f"{ROOT}.{other}.unknown" in unknown[1]
    assert progress == [[0, 1, 2], "done"]


@pytest.mark.parametrize(("sender", "hearer"), [("near", "far"), ("far", "near")])
def test_events_go_both_ways_once_and_in_order(two, sender, hearer):
    hosts = {"near": "hub", "far": "leaf"}

    def heard():
        return two.run(hosts[hearer], hearer, "hear")["data"]["heard"]

    before = {match: len(numbers) for match, numbers in heard().items()}
    two.run(hosts[sender], sender, "burst", first=0, count=300)
    wait_until(lambda: all(len(n) >= before[m] + 300 for m, n in heard().items()), "all events")
    for match, numbers in heard().items():
        assert numbers[before[match] :] == list(range(300)), match


def test_what_runs_on_the_leaf_is_seen_at_the_hub(two):
    def known():
        data = two.call("hub", "registry.ops", "status", "main")[2]["data"]
        return {f"{ROOT}.{name}" for name in ("far", "thermo", "hm-leaf")} <= set(data)

    wait_until(known, "the registry to know the agents of the leaf")
    assert two.call("hub", "hm-leaf.ops", "status", "manager")[0] == 0


OCS_CLIENT = """
import json, sys, time
from ocs.ocs_client import OCSClient
client = OCSClient(sys.argv[1], args=sys.argv[2:])
answers = [client.delay_task.start(delay=0.01), client.delay_task.wait(timeout=20)]
answers += [client.acq.start(), client.acq.start()]
until_s = time.monotonic() + 20
while "fields" not in client.acq.status().session["data"] and time.monotonic() < until_s:
    time.sleep(0.05)
answers += [client.acq.status(), client.acq.stop(), client.acq.wait(timeout=20)]
print(json.dumps(answers))
"""


@pytest.mark.interop
@pytest.mark.parametrize(("host", "agent"), [("hub", "thermo"), ("leaf", "twin")])
def test_the_published_client_at_one_router_drives_an_agent_at_the_other(
    two, ocs_python, host, agent
):
    url = f"127.0.0.1:{two.ports[host]}"
    hub = {"wamp_server": f"ws://{url}/ws", "wamp_http": f"http://{url}/call"}
    hub |= {"wamp_realm": "test_realm", "address_root": ROOT}
    rows = [{"agent-class": "FakeDataAgent", "instance-id": agent}]
    file = two.site.folder / f"published-{host}.yaml"
    file.write_text(yaml.safe_dump({"hub": hub, "hosts": {host: {"agent-instances": rows}}}))
    words = [ocs_python, "-c", OCS_CLIENT, agent, "--site-file", file, "--site-host", host]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    started, waited, acquires, again, looked, stopped, ended = json.loads(done.stdout)
    assert started[:2] == [0, 'Started task "delay_task".']
    assert (waited[0], waited[2]["success"]) == (0, True)
    assert acquires[:2] == [0, 'Started process "acq".']
    assert again[:2] == [-1, 'Operation "acq" already in progress.']
    assert looked[2]["op_code"] == 3
    assert all(isinstance(each, float) for each in looked[2]["data"]["fields"].values())
    assert stopped[:2] == [0, 'Requested stop on process "acq".']
    assert (ended[2]["status"], ended[2]["success"]) == ("done", True)


def test_heartbeats_that_say_nothing_new_are_kept_back_unless_somebody_else_hears_them(two):
    def kept_back():
        return two.bridge()["bridge"]["kept_back"]

    before = kept_back()
    wait_until(lambda: kept_back() > before + 10, "heartbeats to be kept back")
    data = two.call("hub", "registry.ops", "status", "main")[2]["data"]
    of_leaf = [data[f"{ROOT}.{name}"] for name in ("far", "thermo", "hm-leaf")]
    assert not any(each["expired"] for each in of_leaf)
    assert max(time.time() - each["last_updated"] for each in of_leaf) < EXPIRES_AFTER_S
    # Whoever else listens gets each.
    seqs = two.run("hub", "near", "beats")["data"]["seqs"]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_a_name_on_two_hosts_is_told(two):
    """The file of each host is in order; only together they are not."""
    text = two.site.file.read_text()
    content = yaml.safe_load(text)
    del content["hosts"]["hub"]["agent-instances"]
    content["hosts"]["leaf"]["agent-instances"][1]["instance-id"] = "twin"
    try:
        two.site.file.write_text(yaml.safe_dump(content))
        reloaded = two.site.ocsd("reload", "--host", "leaf")
        assert reloaded.returncode == 0, reloaded.stdout + reloaded.stderr
        wait_until(lambda: "'twin' is in use on this host" in two.bridge()["reason"], "the word")
        assert two.bridge()["health"] == "degraded"
        assert two.bridge()["bridge"]["duplicates"].keys() == {"twin"}
        told = "'twin' is in use on this host and on host 'leaf'"
        wait_until(lambda: told in two.site.status("hub")["trouble"], "the hub's daemon to know")
    finally:
        two.site.file.write_text(text)
        two.site.ocsd("reload", "--host", "leaf")
    wait_until(lambda: two.bridge()["health"] == "ok", "the bridge to be well")


def test_the_recorder_has_each_sample_once_whatever_is_killed(two):
    def goes_on(by=20):
        """Wait for more numbers of the leaf's agent; its own router answers at once."""
        began = two.published("leaf")
        wait_until(lambda: two.published("leaf") >= began + by, "more numbers")

    def hub_answers():
        with contextlib.suppress(OSError, LookupError, ValueError):
            return two.published("hub") is not None
        return False

    assert two.call("leaf", "far.ops", "start", "count", {})[0] == 0
    goes_on()
    # The bridge.
    pid = two.bridge()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: two.bridge()["pid"] not in (None, pid), "another bridge")
    goes_on()
    wait_until(hub_answers, "calls over the next bridge")
    # The hub's router, while the leaf works on; its fork server would replace it within a second.
    router = psutil.Process(two.site.status("hub")["router"]["pid"])
    fork_server = router.parent()
    fork_server.suspend()
    try:
        router.kill()
        goes_on()
        row = wait_until(lambda: (row := two.bridge())["health"] == "degraded" and row, "the news")
        assert "not connected to the hub since" in row["reason"]
        with pytest.raises(LookupError, match=r"bridge\.error\.router_away"):
            two.call("leaf", "near.ops", "status", "count")
    finally:
        fork_server.resume()
    two.is_joined()
    wait_until(hub_answers, "calls over the hub's next router")
    # The hub's router stands still for longer than the bridge waits.
    worker = two.router_worker("hub")
    worker.suspend()
    try:
        wait_until(lambda: two.bridge()["health"] == "degraded", "the stall to be seen")
        goes_on()
    finally:
        worker.resume()
    two.is_joined()
    # The leaf's own router.
    pid = two.site.status("leaf")["router"]["pid"]
    os.kill(pid, signal.SIGKILL)
    # The worker of the one that was killed may answer for a moment.
    wait_until(lambda: two.has_other_router("leaf", pid), "the leaf's next router")
    wait_until(lambda: _answers(two), "its answer")
    two.is_joined()
    wait_until(hub_answers, "calls to the leaf")
    goes_on()
    # The end: all of it is in the files.
    assert two.call("hub", "far.ops", "stop", "count")[0] == 0
    total = two.call("hub", "far.ops", "wait", "count", timeout=20)[2]["data"]["published"]
    wait_until(lambda: len(two.numbers()) >= total, f"{total} numbers in the files")
    assert two.numbers() == list(range(total))
    # What it tells is up to a second old.
    wait_until(lambda: two.recorder().get("missing") == {}, "nothing to be missing")


def test_a_leaf_that_records_itself_sends_a_feed_when_somebody_at_the_hub_hears_it(two):
    def followed():
        return two.run("hub", "near", "tell")["data"]["followed"]

    def goes_on():
        began = two.published("leaf")
        wait_until(lambda: two.published("leaf") >= began + 20, "more numbers")

    content = yaml.safe_load(two.site.file.read_text())
    content["hosts"]["leaf"]["record"] = "local"
    assert two.call("leaf", "far.ops", "start", "count", {})[0] == 0
    two.site.file.write_text(yaml.safe_dump(content))
    for host in ("leaf", "hub"):
        reloaded = two.site.ocsd("reload", "--host", host)
        assert reloaded.returncode == 0, reloaded.stdout + reloaded.stderr

    def recording():
        return two.site.instance("aggregator-leaf", "leaf").get("recording", {}).get("feeds")

    wait_until(recording, "the leaf to record")
    # The site's aggregator, which leaves it to the leaf, hears it no more.
    wait_until(two.is_unheard, "a feed that nobody hears")
    assert two.site.ocsd("down", "aggregator", "--host", "hub").returncode == 0
    two.run("hub", "near", "follow")
    wait_until(lambda: len(followed()) > 20, "messages at the hub")
    assert not two.is_unheard()
    numbers = followed()
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    # Another bridge finds out who hears it.
    os.kill(two.bridge()["pid"], signal.SIGKILL)
    heard = len(numbers)
    two.is_joined()
    wait_until(lambda: len(followed()) > heard + 20, "messages over the next bridge")
    two.run("hub", "near", "follow")
    wait_until(two.is_unheard, "a feed that nobody hears any more")
    os.kill(two.site.instance("aggregator-leaf", "leaf")["pid"], signal.SIGKILL)
    goes_on()
    wait_until(recording, "the leaf to record again")
    assert two.site.ocsd("up", "aggregator", "--host", "hub").returncode == 0
    goes_on()
    assert two.call("leaf", "far.ops", "stop", "count")[0] == 0
    total = two.call("leaf", "far.ops", "wait", "count", timeout=20)[2]["data"]["published"]

    def recorded():
        return two.numbers("hub") + two.numbers("leaf")

    wait_until(lambda: len(recorded()) >= total, f"{total} numbers in the files")
    assert recorded() == list(range(total))
    assert two.numbers("leaf")
    wait_until(lambda: two.recorder().get("missing") == {}, "nothing to be missing")
    assert two.recorder()["lost"] == {}


def _answers(two):
    with contextlib.suppress(OSError, LookupError, ValueError):
        return two.published("leaf") is not None
    return False
