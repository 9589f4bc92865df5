"""What an agent has published can be asked for, whatever becomes of it and of the router."""

import json
import os
import signal
import urllib.request

import psutil
import pytest

from tests.system.agent_processes import LISTEN
from tests.system.conftest import fake_agent
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

COUNT = """
import sys, json, time
from ocsd import ocs_agent, site_config
from ocsd.site.values import told
told.set_current(told.ToldLaunch.of(json.loads(sys.argv[1])))
args = site_config.parse_args(args=[])
agent, runner = ocs_agent.init_site_agent(args)
running = True

def count(session, params):
    number = 0
    while running:
        sample = {'block_name': 'b', 'timestamp': time.time(), 'data': {'n': number}}
        for feed in 'counts', 'buffered':
            agent.publish_to_feed(feed, sample)
        number += 1
        time.sleep(0.002)
    return True, f'{number} samples'

def stop(session, params):
    global running
    running = False

agent.register_feed('counts', record=True)
agent.register_feed('buffered', record=True, buffer_time=3600)
agent.register_process('count', count, stop, startup=True)
runner.run(agent)
"""


class Heard:
    """What a listener has heard of the counter's feed, and of its heartbeat."""

    def __init__(self, supervisor, router):
        self.file = supervisor.folder / "listener.jsonl"
        supervisor.launch(router, "listener", script=LISTEN)
        supervisor.hears("ready", READY="1")

    def events(self, feed="counts"):
        lines = self.file.read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events if event[1]["feed_name"] == feed]


def asked(port, *args, name="counter"):
    """Call an agent's spool; return its answer, an empty one while the agent is not there."""
    body = json.dumps({"procedure": f"observatory.{name}.spool", "args": args}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/call", body, headers)
    with urllib.request.urlopen(request, timeout=20) as reply:
        answer = json.load(reply)
    return {} if "error" in answer else answer["args"][0]


def index(port, name="counter"):
    return asked(port, name=name).get("sessions", {})


def spooled(port, session_id, feed="counts"):
    """Return all messages of a feed, asked for bit by bit."""
    messages, after = [], 0
    while True:
        answer = asked(port, feed, session_id, after, 10_000)
        messages += answer["messages"]
        if not answer["messages"]:
            return messages
        after = messages[-1][1]["seq"] + 1


def values(messages):
    return [n for message, _ in messages for n in message["b"]["data"]["n"]]


def test_what_an_agent_published_survives_its_kill(router, supervisor):
    heard = Heard(supervisor, router)
    first = supervisor.launch(router, "counter", script=COUNT)
    wait_until(lambda: len(heard.events()) > 300, "messages")
    [session_id] = index(router.port)
    first.send_signal(signal.SIGKILL)
    first.wait()
    last = heard.events()[-1][1]["seq"]

    supervisor.launch(router, "counter", script=COUNT, force_register=True)
    wait_until(lambda: heard.events()[-1][1]["session_id"] != session_id, "the next life")
    published = [event for event in heard.events() if event[1]["session_id"] == session_id]
    kept = spooled(router.port, session_id)
    assert [info["seq"] for _, info in kept] == list(range(len(kept)))
    assert values(kept) == list(range(len(kept)))
    assert len(kept) > last
    assert kept[: len(published)] == published
    held = index(router.port)[session_id]["counts"]
    assert held == {
        "address": "observatory.counter.feeds.counts",
        "first": 0,
        "next": len(kept),
    }
    assert "Traceback" not in supervisor.log()


def test_a_killed_router_stops_neither_the_numbers_nor_the_spool(router, supervisor):
    heard = Heard(supervisor, router)
    agent = supervisor.launch(router, "counter", script=COUNT)
    wait_until(lambda: len(heard.events()) > 100, "messages")
    [session_id] = index(router.port)
    folder = supervisor.folder / "state" / "lab" / "spool" / "counter" / session_id / "counts"
    router.kill()

    def size_bytes():
        return sum(each.stat().st_size for each in folder.iterdir())

    before = size_bytes()
    wait_until(lambda: size_bytes() > before + 50_000, "the spool to grow while there is no router")
    router.start()
    wait_until(lambda: session_id in index(router.port), "the agent")
    kept = spooled(router.port, session_id)
    assert values(kept) == list(range(len(kept)))
    # What was in the router when it was killed is lost to others, all else comes.
    wait_until(lambda: heard.events()[-1][1]["seq"] >= len(kept), "the backlog")
    numbers = [info["seq"] for _, info in heard.events()]
    assert numbers == sorted(set(numbers))
    wait_until(
        lambda: heard.events("heartbeat")[-1][1].get("feeds", {}).get("counts", 0) >= len(kept),
        "a heartbeat with the number",
    )
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(20) == 0
    waiting = [line for line in supervisor.log().splitlines() if "waiting for the router" in line]
    assert len(waiting) <= 2 * 4  # of two agents, each reason once
    assert "Traceback" not in supervisor.log()


def test_what_is_collected_when_an_agent_ends_without_a_router_is_kept(router, supervisor):
    agent = supervisor.launch(router, "counter", script=COUNT)
    supervisor.hears("ready", READY="1")

    def published():
        for session_id, feeds in index(router.port).items():
            if feeds.get("counts", {}).get("next", 0) > 100:
                return session_id
        return None

    session_id = wait_until(published, "messages")
    router.kill()
    supervisor.hears("the outage", STATUS="waiting for the router")
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(20) == 0
    router.start()
    supervisor.launch(router, "counter", script=COUNT)
    wait_until(lambda: index(router.port), "the next life")
    collected = spooled(router.port, session_id, "buffered")
    assert len(collected) == 1
    assert values(collected) == values(spooled(router.port, session_id))
    assert len(values(collected)) > 100


def test_the_daemons_agents_keep_their_messages_in_the_hosts_state_folder(site):
    site.write(fake_agent("fake1", rate_hz=20), fake_agent("idle", mode="idle"))
    site.start()
    spools = site.folder / "state" / "lab" / "spool"

    def held():
        for session_id, feeds in index(site.port, "fake1").items():
            for feed, row in feeds.items():
                if row["next"] > 2:
                    return session_id, feed, row["next"]
        return None

    session_id, feed, count = wait_until(held, "messages of the agent")
    pid = site.instance("fake1")["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid), "its end")
    wait_until(lambda: len(index(site.port, "fake1")) == 2, "its next life")
    messages = asked(site.port, feed, session_id, name="fake1")["messages"]
    assert [info["seq"] for _, info in messages] == list(range(len(messages)))
    assert len(messages) >= count
    # What has published nothing has made nothing, and nor has the rehearsal of the fork server.
    assert not (spools / "idle").exists()
    assert {each.name for each in (site.folder / "state").iterdir()} == {"lab"}
