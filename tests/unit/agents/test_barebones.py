import threading

import pytest
from ocsd_agents.barebones.agent import COUNT_FEED, BarebonesAgent, add_agent_args

from ocsd.ocs_agent import OpSession


@pytest.fixture
def barebones(agent):
    barebones = BarebonesAgent(agent)
    agent.register_process("count", barebones.count, barebones.stop_count)
    agent.register_task("print", barebones.print)
    return barebones


def running(name):
    session = OpSession(0, name)
    session.enter()
    return session


def test_counting_publishes_and_shows_the_same_value(agent, barebones, link):
    agent.start("count", {"test_mode": True})
    session = agent.status("count")[2]
    assert session["success"] is True
    assert session["data"]["value"] == 1
    [(topic, (message, info))] = link.published
    assert topic.endswith(f".feeds.{COUNT_FEED}")
    assert message["count"]["data"] == {"value": [1]}
    assert message["count"]["timestamps"] == [session["data"]["timestamp"]]
    assert info["agg_params"] == {"frame_length": 600}


def test_counting_ends_at_once(barebones):
    session = running("count")
    thread = threading.Thread(target=barebones.count, args=(session, {"test_mode": False}))
    thread.start()
    barebones.stop_count(session, None)
    thread.join(5)
    assert not thread.is_alive()


def test_a_text_is_printed_to_the_log_and_shown(agent, barebones):
    agent.start("print", {"text": "so {far} so good"})
    session = agent.status("print")[2]
    assert session["success"] is True
    assert session["data"]["text"] == "so {far} so good"


def test_the_text_has_a_default_and_must_be_a_text(agent, barebones):
    assert agent.start("print", {"text": 5})[0] == -1
    agent.start("print")
    assert agent.status("print")[2]["data"]["text"] == "hello world"


def test_a_held_lock_fails_the_task_and_names_the_holder(barebones, monkeypatch):
    monkeypatch.setattr("ocsd_agents.barebones.agent.LOCK_LIMIT_S", 0.01)
    assert barebones.lock.acquire(job="calibration")
    ok, message = barebones.print(running("print"), {"text": "x"})
    assert (ok, message) == (False, "Could not acquire lock, calibration is running.")


def test_it_counts_from_the_start_as_that_of_ocs_does():
    assert add_agent_args().parse_args([]).mode == "count"
