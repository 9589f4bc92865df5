"""Which feeds count as silent, in simulated time."""

import time

import pytest

from ocsd.agent.feeds.feed import Feed
from ocsd.agent.feeds.freshness import Freshness
from ocsd.agent.operations.session import OpSession
from ocsd.agent.operations.thread_deaths import within_session


class Watched:
    """A feed that is looked at every second while time goes by."""

    def __init__(self):
        self.freshness = Freshness()
        self.now_s = 1000.0

    def publish(self, *owners):
        if self.now_s - self.freshness.counted_at_s >= 1:
            self.freshness.count(self.now_s, owners)

    def pass_by(self, seconds):
        """Return the complaints that there were meanwhile."""
        complaints = []
        for _ in range(seconds):
            self.now_s += 1
            complaints.append(self.freshness.complaint(self.now_s))
        return complaints

    def publish_every(self, interval_s, times, *owners):
        complaints = []
        for _ in range(times):
            self.publish(*owners)
            complaints += self.pass_by(interval_s)
        assert complaints == [""] * interval_s * times


class Run:
    """A run of a process."""

    status = "running"
    degraded = False


@pytest.fixture
def feed():
    return Watched()


def test_a_feed_that_stops_is_silent_after_ten_seconds(feed):
    feed.publish_every(1, 30, Run())
    complaints = feed.pass_by(41)
    assert complaints[:8] == [""] * 8
    assert complaints[8] == "silent for 10 s (expected every 1 s)"
    assert complaints[-1] == "silent for 42 s (expected every 1 s)"


def test_nothing_is_said_until_the_habits_of_a_run_are_known(feed):
    feed.publish_every(1, 5, Run())
    complaints = feed.pass_by(26)
    assert complaints[:24] == [""] * 24
    assert complaints[24] == "silent for 26 s (expected every 1 s)"


def test_a_feed_that_goes_on_is_not_silent_any_more(feed):
    acq = Run()
    feed.publish_every(1, 30, acq)
    assert feed.pass_by(20)[-1]
    feed.publish(acq)
    assert feed.pass_by(5) == [""] * 5


def test_a_slow_feed_is_silent_after_five_of_its_intervals(feed):
    feed.publish_every(60, 5, Run())
    complaints = feed.pass_by(300)
    assert complaints[: 5 * 60 - 61] == [""] * 239
    assert complaints[239] == "silent for 300 s (expected every 60 s)"


def test_bursts_are_no_reason_to_expect_much(feed):
    acq = Run()
    for _ in range(4):
        for _ in range(50):
            feed.publish(acq)
            feed.now_s += 0.01
        assert feed.pass_by(30) == [""] * 30
    assert feed.pass_by(100) == [""] * 100


def test_a_chain_of_devices_and_a_pause_is_no_silence(feed):
    acq = Run()
    for _ in range(5):
        feed.publish_every(1, 16, acq)
        assert feed.pass_by(13) == [""] * 13


def test_an_outage_is_forgotten(feed):
    acq = Run()
    feed.publish_every(1, 5, acq)
    feed.pass_by(3600)
    feed.publish_every(1, 150, acq)
    assert feed.pass_by(10)[-1].startswith("silent for ")


def test_little_that_is_known_means_nothing_is_expected(feed):
    feed.publish_every(1, 3, Run())
    assert feed.pass_by(100) == [""] * 100


@pytest.mark.parametrize("status", ["stopping", "done"])
def test_a_feed_whose_process_ends_may_be_silent(feed, status):
    acq = Run()
    feed.publish_every(1, 5, acq)
    acq.status = status
    assert feed.pass_by(100) == [""] * 100


def test_a_feed_that_came_from_no_process_may_be_silent(feed):
    feed.publish_every(1, 5)
    assert feed.pass_by(100) == [""] * 100


def test_of_several_possible_publishers_all_must_run(feed):
    acq, monitor = Run(), Run()
    feed.publish_every(1, 5, acq, monitor)
    acq.status = "done"
    assert feed.pass_by(100) == [""] * 100


def test_a_degraded_process_has_time_to_recover(feed):
    acq = Run()
    feed.publish_every(1, 30, acq)
    acq.degraded = True
    assert feed.pass_by(100) == [""] * 100
    acq.degraded = False
    complaints = feed.pass_by(15)
    assert complaints[:8] == [""] * 8
    assert complaints[-1].startswith("silent for ")


def test_what_an_earlier_run_did_says_nothing_of_the_next(feed):
    feed.publish_every(1, 20, Run())
    slow = Run()
    feed.publish(slow)
    assert feed.pass_by(100) == [""] * 100


def test_a_process_that_was_held_up_blames_no_feed(feed):
    feed.publish_every(1, 30, Run())
    feed.now_s += 600
    complaints = feed.pass_by(9)
    assert complaints == [""] * 9


# What a feed of an agent notes.


SAMPLE = {"block_name": "block", "timestamp": time.time(), "data": {"x": 1.0}}


@pytest.fixture
def recorded(agent, link, reactor):
    """A recorded, buffered feed in simulated time."""
    feed = Feed(agent, "temperatures", record=True, buffer_time=600, monotonic=reactor.seconds)
    reactor.advance(1000)
    yield feed
    feed.flush_buffer()


def session(agent, name):
    run = OpSession(0, name)
    run.enter()
    agent.register_process(name, lambda session, params: (True, ""), None)
    agent.sessions[name] = run
    return run


def complaint_after(feed, reactor, seconds):
    complaint = ""
    for _ in range(seconds):
        reactor.advance(1)
        complaint = feed.complaint()
    return complaint


def test_samples_count_when_published_not_when_sent(agent, link, reactor, recorded):
    session(agent, "acq")
    for _ in range(20):
        recorded.publish_message(SAMPLE)
        assert complaint_after(recorded, reactor, 1) == ""
    assert link.published == []
    assert complaint_after(recorded, reactor, 20) == "silent for 21 s (expected every 1 s)"


def test_the_run_that_publishes_is_known_though_others_run(agent, link, reactor, recorded):
    acq, monitor = session(agent, "acq"), session(agent, "monitor")
    for _ in range(10):
        within_session(monitor, lambda: recorded.publish_message(SAMPLE))
        assert complaint_after(recorded, reactor, 1) == ""
    acq.finish(True, "ended")
    assert complaint_after(recorded, reactor, 20).startswith("silent for ")


def test_a_feed_that_a_task_fills_may_be_silent(agent, link, reactor, recorded):
    session(agent, "acq")
    task = OpSession(1, "scan")
    task.enter()
    for _ in range(5):
        within_session(task, lambda: recorded.publish_message(SAMPLE))
        reactor.advance(1)
    assert complaint_after(recorded, reactor, 100) == ""


def test_a_feed_that_is_not_recorded_may_be_silent(agent, link, reactor):
    session(agent, "acq")
    feed = Feed(agent, "log", monotonic=reactor.seconds)
    for _ in range(5):
        feed.publish_message({"text": "something"})
        reactor.advance(1)
    assert complaint_after(feed, reactor, 100) == ""
