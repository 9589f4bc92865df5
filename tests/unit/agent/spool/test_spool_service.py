"""The answers of an agent to requests for messages that it has kept."""

import math
import shutil

import pytest

from ocsd.agent.feeds.feed import BACKLOG_DELAY_S
from ocsd.agent.spool.service import ANSWER_BYTES, SpoolService
from ocsd.agent.spool.spool import DISK_RETRY_S
from ocsd.bus.wamp import ApplicationError
from tests.unit.agent.spool.spool_life import ADDRESS, Life
from tests.unit.shortages import no_descriptors


def test_an_agent_that_has_published_nothing_makes_nothing(folder):
    life = Life(folder, "1.5")
    assert life.service.answer() == {"sessions": {"1.5": {}}}
    assert life.service.answer("f", "1.5", 0) == {"first": 0, "next": 0, "messages": []}
    assert not folder.exists()
    assert life.log.lines == []


def test_the_index_tells_what_there_is_of_this_life(folder):
    life = Life(folder, "1.5")
    life.put("a", "x", "y")
    life.put("b", "z")
    assert life.sessions() == {
        "1.5": {
            "a": {"address": f"{ADDRESS}.a", "first": 0, "next": 2},
            "b": {"address": f"{ADDRESS}.b", "first": 0, "next": 1},
        }
    }
    assert life.service.numbers() == {"a": 2, "b": 1}


def test_messages_come_with_their_numbers(folder):
    life = Life(folder, "1.5")
    life.put("a", {"n": 0}, {"n": 1}, {"n": 2})
    answer = life.service.answer("a", "1.5", after=1)
    info = {"feed_name": "a", "address": f"{ADDRESS}.a", "session_id": "1.5"}
    assert answer == {
        "first": 0,
        "next": 3,
        "messages": [[{"n": 1}, {**info, "seq": 1}], [{"n": 2}, {**info, "seq": 2}]],
    }
    assert life.service.answer(feed_name="a", session_id="1.5", after=3)["messages"] == []


def test_an_answer_is_as_large_as_asked_for_but_never_empty(folder):
    life = Life(folder, "1.5")
    life.put("a", *(str(n) * 1000 for n in range(10)))
    assert len(life.read("a", "1.5", 0, 3500)) == 3
    assert len(life.read("a", "1.5", 4, 0)) == 1
    assert len(life.read("a", "1.5", 4, -1)) == 1
    assert len(life.read("a", "1.5", 0, float("inf"))) == 10
    life.put("big", *("x" * ANSWER_BYTES for _ in range(20)))
    assert len(life.read("big", "1.5")) == 1
    assert len(life.read("big", "1.5", 0, 10**12)) <= 8


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "memory"])
def test_everything_is_fetched_by_asking_again_for_what_follows(folder, disk):
    life = Life(folder if disk else None, "1.5")
    life.put("a", *range(1000))
    got, after = [], 0
    while after < life.sessions()["1.5"]["a"]["next"]:
        answer = life.service.answer("a", "1.5", after, 200)
        got += answer["messages"]
        after = got[-1][1]["seq"] + 1
    assert [message for message, _ in got] == list(range(1000))


@pytest.mark.parametrize(
    "asked",
    [
        ("other", "1.5"),
        ("a", "9.5"),
        ("a", "../thermo1/1.5"),
        ("../a", "0.5"),
        (["a"], "1.5"),
        ({}, {}),
        (5, 5),
        ("a", b"1.5"),
    ],
)
def test_what_is_not_there_has_an_empty_answer(folder, asked):
    Life(folder, "0.5").put("a", "x")
    life = Life(folder, "1.5")
    life.put("a", "x")
    assert life.service.answer(*asked) == {"first": 0, "next": 0, "messages": []}


def test_a_question_without_sense_gets_an_error_that_says_so(folder):
    life = Life(folder, "1.5")
    life.put("a", "x")
    for after, size in (("1", 5), (None, 5), (0, "all"), (math.nan, 5), (0, math.nan)):
        with pytest.raises(ApplicationError, match="have to be numbers"):
            life.service.answer("a", "1.5", after, size)
    assert life.read("a", "1.5", 0, 100) == ["x"]
    assert life.service.answer("a", "1.5", 0, later_addition=True)["next"] == 1


def test_messages_unsent_before_a_kill_reach_the_next_life(agent, link, reactor, folder):
    agent.spools = SpoolService(folder, "1.5", agent.log)
    feed = agent.register_feed("f", record=True)
    link.away = True
    for number in range(200):
        feed.publish_message({"block_name": "b", "timestamp": float(number), "data": {"n": number}})
    got = Life(folder, "2.5").read("f", "1.5")
    assert [message["b"]["data"]["n"] for message in got] == [[n] for n in range(200)]
    link.away = False
    feed.send_backlog()
    reactor.pump([BACKLOG_DELAY_S, 0, 0, 0])
    assert [message for _, (message, _) in link.published] == got
    assert [info["seq"] for _, (_, info) in link.published] == list(range(200))


def test_a_lack_of_descriptors_only_delays_the_backlog(agent, link, reactor, folder):
    agent.spools = SpoolService(folder, "1.5", agent.log)
    feed = agent.register_feed("f", record=True)
    link.away = True
    feed.publish_message({"block_name": "b", "timestamp": 1.0, "data": {"n": 1}})
    link.away = False
    with no_descriptors():
        feed.send_backlog()
        reactor.pump([BACKLOG_DELAY_S] * 3)
        assert link.published == []
    reactor.pump([BACKLOG_DELAY_S, 0])
    feed.publish_message({"block_name": "b", "timestamp": 2.0, "data": {"n": 2}})
    assert [info["seq"] for _, (_, info) in link.published] == [0, 1]


def test_a_disk_that_takes_no_messages_is_a_complaint_until_they_are_there(folder):
    life = Life(folder, "1.5")
    life.put("often", "x")
    assert life.service.complaint() == ""
    life.service.feeds["often"].spool.clear()
    shutil.rmtree(folder)
    folder.touch()
    life.put("seldom", "y")
    assert life.service.complaint() == (
        "its messages are kept in memory only, and lost if it is killed: cannot write "
        f"{folder}: Not a directory"
    )
    folder.unlink()
    assert life.service.complaint() != ""  # another try is not due yet
    life.now_s += DISK_RETRY_S
    assert life.service.complaint() == ""
    assert Life(folder, "2.5").read("seldom", "1.5") == ["y"]


def test_an_agent_that_was_started_by_hand_complains_of_no_disk():
    life = Life(None, "1.5")
    life.put("a", "x")
    assert life.service.complaint() == ""


def test_the_agent_answers_at_its_address(agent, link):
    agent.register_feed("f", record=True).publish_message(
        {"block_name": "b", "timestamp": 1.0, "data": {"n": 1}}
    )
    answer = agent.procedures()["observatory.thermo1.spool"]
    index = answer()["sessions"][agent.agent_session_id]
    assert index == {"f": {"address": "observatory.thermo1.feeds.f", "first": 0, "next": 1}}
    pair = answer("f", agent.agent_session_id, 0)["messages"]
    assert pair == [list(link.published[0][1])]
