"""Whom an aggregator asks, and what it is told of others, depends on who records the sender."""

import pytest

from ocsd.aggregator.fetching.senders import Senders
from ocsd.aggregator.numbers.share import Share
from ocsd.aggregator.recording.arrivals import Announced
from ocsd.aggregator.recording.elsewhere import HEARD_S
from ocsd.aggregator.recording.intake import Intake


class Asked:
    """Keeps what a fetcher is told."""

    def __init__(self):
        self.seen = []
        self.recorders = {}

    def agent_seen(self, agent, session_id):
        self.seen.append(agent)

    def recorder_told(self, agent, recorder):
        self.recorders[agent] = recorder

    def knows(self, agent):
        return agent in self.seen


class Heard:
    def __init__(self, share):
        self.intake = Intake()
        self.fetcher = Asked()
        self.senders = Senders(self.fetcher, self.intake, share)

    def beat(self, name, host=None, now_s=0.0, feeds=("f", "g")):
        info = {
            "agent_address": f"observatory.{name}",
            "address": f"observatory.{name}.feeds.heartbeat",
            "feed_name": "heartbeat",
            "session_id": "1.0",
            "feeds": dict.fromkeys(feeds, 5),
        }
        if host:
            info["recorded_by"] = host
        self.senders.register(info, now_s)

    def announced(self):
        found = []
        self.senders.flush()
        self.intake.finish(found.extend)
        return [each.sender for each in found if isinstance(each, Announced)]


@pytest.fixture
def of_site():
    return Heard(Share("hub"))


@pytest.fixture
def of_lab():
    return Heard(Share("lab", of_site=False))


def test_the_numbers_of_an_agent_that_another_one_records_are_not_missing_here(of_site, of_lab):
    for each in (of_site, of_lab):
        each.beat("a")
        each.beat("b", "lab")
    assert of_site.announced() == ["observatory.a"]
    assert of_lab.announced() == ["observatory.b"]


def test_the_aggregator_of_a_host_asks_no_agents_of_others(of_site, of_lab):
    for each in (of_site, of_lab):
        each.beat("a")
        each.beat("b", "lab")
        each.beat("b")  # it is left to the site now: what came before may be missing
    assert set(of_site.fetcher.seen) == {"observatory.a", "observatory.b"}
    assert set(of_lab.fetcher.seen) == {"observatory.b"}
    assert of_lab.fetcher.recorders["observatory.b"] is None


def test_feeds_that_are_recorded_elsewhere_are_counted_by_host_as_long_as_they_are_heard(of_site):
    of_site.beat("a")
    of_site.beat("b", "lab")
    of_site.beat("c", "dome", 30.0, feeds=("f",))
    assert of_site.senders.encoded(30.0) == {"elsewhere": {"dome": 1, "lab": 2}}
    assert of_site.senders.encoded(HEARD_S + 10) == {"elsewhere": {"dome": 1}}
    of_site.beat("c", None, 40.0)
    assert of_site.senders.encoded(HEARD_S + 10) == {"elsewhere": {}}


def test_the_aggregator_of_a_host_says_so(of_lab):
    of_lab.beat("b", "dome")
    assert of_lab.senders.encoded(0.0) == {"only_of_host": "lab"}
