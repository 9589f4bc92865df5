"""An agent says in each message whose aggregator records it."""

from dataclasses import dataclass

import pytest

from ocsd.agent.spool.recorded_by import LOOK_EVERY_S, RecordedBy, told_spans


@dataclass
class AFeed:
    next_number: int = 0


class Told:
    def __init__(self, path):
        self.path = path
        self.feeds = {"f": AFeed()}
        self.now_s = 100.0
        self.recorded_by = RecordedBy(self.feeds, str(path), lambda: self.now_s)

    def says(self, name):
        beside = self.path.with_suffix(".new")
        beside.write_text(name)
        beside.replace(self.path)
        self.now_s += LOOK_EVERY_S

    def send(self, name="f"):
        self.recorded_by.look()
        self.recorded_by.begin(name)
        self.feeds.setdefault(name, AFeed()).next_number += 1
        return self.recorded_by.stamp


@pytest.fixture
def agent(tmp_path):
    return Told(tmp_path / "recorded-by")


def test_without_a_word_the_aggregator_of_the_site_records(agent):
    assert agent.send() == {}
    assert agent.recorded_by.spans("f") == []


def test_a_change_counts_from_the_next_message_on(agent):
    agent.send()
    agent.says("lab")
    assert agent.send() == {"recorded_by": "lab"}
    agent.send()
    agent.says("")
    assert agent.send() == {}
    assert agent.recorded_by.spans("f") == [[0, None], [1, "lab"], [3, None]]


def test_a_feed_that_begins_later_begins_with_the_present_one(agent):
    agent.send()
    agent.says("lab")
    agent.send()
    agent.send("g")
    assert agent.recorded_by.spans("g") == [[0, "lab"]]


def test_a_feed_that_was_silent_changes_at_its_next_number(agent):
    agent.send("g")
    agent.says("lab")
    agent.send()
    assert agent.recorded_by.spans("g") == [[0, None], [1, "lab"]]


def test_what_was_told_last_goes_on_if_the_file_is_gone(agent):
    agent.says("lab")
    agent.send()
    agent.path.unlink()
    agent.now_s += 10
    assert agent.send() == {"recorded_by": "lab"}


def test_changes_between_two_messages_leave_no_trace():
    assert told_spans([[0, None], [5, "lab"], [5, "lab"], [5, None]]) == [
        [0, None],
        [5, "lab"],
        [5, None],
    ]
    assert told_spans([[0, None], [9, None]]) == []
