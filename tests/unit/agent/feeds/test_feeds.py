import math
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs

from ocsd.agent.feeds.feed import BACKLOG_DELAY_S
from ocsd.agent.spool.limits import SpoolLimits
from ocsd.bus.wamp import SerializationError
from ocsd.ocs_feed import Block, Feed


def sample(t=1.0, block="temps", **data):
    return {"block_name": block, "timestamp": t, "data": data}


def samples(stamps, block="temps", **data):
    return {"block_name": block, "timestamps": stamps, "data": data}


@pytest.fixture
def feed(agent, link):
    return agent.register_feed("temperatures", record=True)


def test_one_sample_goes_out_as_lists(feed, link):
    feed.publish_message(sample(1.5, a=2, b="on", c=True))
    [(topic, (message, info))] = link.published
    assert topic == "observatory.thermo1.feeds.temperatures"
    assert message == {
        "temps": {
            "block_name": "temps",
            "data": {"a": [2], "b": ["on"], "c": [True]},
            "timestamps": [1.5],
        }
    }
    assert info == {**feed.encoded(), "seq": 0}


def test_many_samples_may_be_numpy_arrays(feed, link):
    feed.publish_message(samples(np.arange(3) / 2, a=np.array([1, 2, 3]), b=np.ones(3, "f4")))
    block = link.published[0][1][0]["temps"]
    assert block["timestamps"] == [0.0, 0.5, 1.0]
    assert block["data"] == {"a": [1, 2, 3], "b": [1.0, 1.0, 1.0]}
    assert {type(value) for column in block["data"].values() for value in column} == {int, float}


def test_messages_are_numbered_from_zero(feed, link):
    for _ in range(3):
        feed.publish_message(sample(a=1))
    assert [info["seq"] for _, (_, info) in link.published] == [0, 1, 2]


def test_a_feed_that_nobody_hears_is_kept_and_not_sent(feed, link, agent, monkeypatch):
    heard = Mock(return_value=True)
    monkeypatch.setattr(agent.spools, "is_unheard", heard)
    feed.publish_message(sample(a=1))
    heard.assert_called_once_with(feed.address)
    assert link.published == []
    assert [kept.number for kept in feed.spool.messages(0)] == [0]
    heard.return_value = False
    feed.publish_message(sample(a=2))
    assert [info["seq"] for _, (_, info) in link.published] == [1]


def test_a_feed_that_is_not_recorded_is_sent_in_any_case(agent, link, monkeypatch):
    monkeypatch.setattr(agent.spools, "is_unheard", lambda _: True)
    agent.register_feed("events").publish_message("on")
    assert len(link.published) == 1


def test_an_empty_message_is_not_sent(feed, link):
    feed.publish_message(samples([], a=[]))
    assert link.published == []


def test_tags_are_passed_through(feed, link):
    tags = {"a": {"_field": "temperature", "channel": 1}}
    feed.publish_message({**sample(a=1), "influxdb_tags": tags})
    assert link.published[0][1][0]["temps"]["influxdb_tags"] == tags


@pytest.mark.parametrize(
    ("message", "error", "names"),
    [
        (sample(a=None), TypeError, "'a'"),
        (sample(a=[1.0]), TypeError, "'a'"),
        (samples([1.0, 2.0], a=[1.0, object()]), TypeError, "'a'"),
        (samples([1.0, 2.0], a=[1.0, "x"]), TypeError, "mixes text"),
        (samples([1.0, 2.0], a=[1.0]), ValueError, "'a' has 1 values for 2"),
        (sample(**{"9a": 1}), ValueError, "'9a'"),
        (sample(**{"a b": 1}), ValueError, "'a b'"),
        (sample(**{"": 1}), ValueError, "''"),
        (sample(__=1), ValueError, "'__'"),
        (sample(**{"a" * 256: 1}), ValueError, "256"),
        (sample(t=math.nan, a=1), ValueError, "timestamp float nan is not finite"),
        ({"block_name": "x", "data": {}}, ValueError, "neither 'timestamp', for one sample"),
        (sample(), ValueError, "data is empty"),
        (sample(block="", a=1), ValueError, "block_name str '' is empty"),
        (sample(block="b" * 256, a=1), ValueError, "256 characters"),
        (sample(t=True, a=1), ValueError, "timestamp bool True is no number"),
        (samples([1.0, "2"], a=[1, 2]), ValueError, "timestamps str '2' is no number"),
        (samples("2026", a=[1, 2, 3, 4]), TypeError, "timestamps is a list of Unix times, not str"),
        (sample(a=10**400), ValueError, "'a' holds an integer too large for a float"),
        ({"timestamp": 1.0, "data": {}}, ValueError, "'block_name'"),
        ({**sample(a=1), "influxdb_tags": {"a": {}}}, ValueError, "_field"),
        ({**sample(a=1), "influxdb_tags": {"b": {"_field": "t"}}}, ValueError, "'b'"),
        ("text", TypeError, "str"),
        (None, TypeError, "None"),
        ({"block_name": None, "timestamp": 1.0, "data": {"a": 1}}, TypeError, "block_name"),
        ({"block_name": "b", "timestamp": 1.0, "data": None}, TypeError, "None"),
        ({"block_name": "b", "timestamps": 1.0, "data": {"a": [1]}}, TypeError, "timestamps"),
        (sample(t=None, a=1), TypeError, "timestamp NoneType None is no number"),
        (sample(t="now", a=1), ValueError, "timestamp str 'now' is no number"),
        ({**sample(a=1), "influxdb_tags": "a"}, TypeError, "influxdb_tags"),
        (sample(a=b"x"), TypeError, "bytes"),
        ({**sample(a=1), 5: 6, "timestamp": 1.0, "block_name": 7}, TypeError, "int 7"),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_by_name(feed, link, message, error, names):
    with pytest.raises(error) as caught:
        feed.publish_message(message)
    assert "'temperatures'" in str(caught.value)
    assert names in str(caught.value)
    assert link.published == []


def test_nan_is_a_value_like_any_other(feed, link):
    feed.publish_message(sample(a=math.nan))
    assert math.isnan(link.published[0][1][0]["temps"]["data"]["a"][0])


def test_an_agent_may_change_its_fields(agent, link, reactor):
    feed = agent.register_feed("f", record=True, buffer_time=10)
    feed.publish_message(sample(a=1))
    feed.publish_message(sample(b=2))
    feed.flush_buffer()
    assert [list(m["temps"]["data"]) for _, (m, _) in link.published] == [["a"], ["b"]]


def test_a_feed_forgets_the_names_of_blocks_that_are_sent(feed, link):
    for number in range(100):
        feed.publish_message(sample(block=f"scan_{number}", a=1))
    assert len(link.published) == 100
    assert feed.blocks == {}


def test_a_buffered_feed_sends_by_itself_when_time_is_up(agent, link, reactor):
    feed = agent.register_feed("f", record=True, buffer_time=2)
    feed.publish_message(sample(1.0, a=1))
    reactor.advance(1)
    feed.publish_message(sample(2.0, a=2))
    feed.publish_message(sample(2.0, block="other", z=0))
    assert link.published == []
    reactor.advance(1)
    [(_, (message, _))] = link.published
    assert message["temps"]["timestamps"] == [1.0, 2.0]
    assert message["temps"]["data"] == {"a": [1, 2]}
    assert set(message) == {"temps", "other"}


def test_a_buffered_feed_sends_on_demand_and_leaves_no_timer(agent, link, reactor):
    feed = agent.register_feed("f", record=True, buffer_time=2)
    feed.publish_message(sample(1.0, a=1))
    feed.flush_buffer()
    feed.flush_buffer()
    assert len(link.published) == 1


def test_buffered_samples_are_sent_when_the_agent_ends(agent, link, reactor):
    agent.register_feed("f", record=True, buffer_time=60).publish_message(sample(a=1))
    agent.end_operations(1)
    assert len(link.published) == 1


def test_messages_wait_for_the_router_and_keep_their_order(agent, link, feed, reactor):
    link.away = True
    for number in range(120):
        feed.publish_message(sample(float(number), a=number))
    assert link.published == []
    link.away = False
    feed.send_backlog()
    feed.publish_message(sample(120.0, a=120))
    assert link.published == []
    reactor.pump([BACKLOG_DELAY_S, 0, 0])
    assert [info["seq"] for _, (_, info) in link.published] == list(range(121))


def test_a_second_outage_while_catching_up_loses_nothing(agent, link, feed, reactor):
    link.away = True
    for number in range(60):
        feed.publish_message(sample(float(number), a=number))
    link.away, link.room = False, 55
    feed.send_backlog()
    reactor.advance(BACKLOG_DELAY_S)
    assert len(link.published) == 55
    link.room = None
    feed.send_backlog()
    reactor.advance(BACKLOG_DELAY_S)
    assert [info["seq"] for _, (_, info) in link.published] == list(range(60))


def test_a_backlog_that_is_not_recorded_is_sent_once(agent, link, reactor):
    feed = agent.register_feed("state")
    for outage in range(2):
        link.away = True
        feed.publish_message({"outage": outage, "at": 1})
        link.away = False
        feed.publish_message({"outage": outage, "at": 2})
        feed.send_backlog()
        reactor.advance(BACKLOG_DELAY_S)
        feed.publish_message({"outage": outage, "at": 3})
    assert [message for _, (message, _) in link.published] == [
        {"outage": outage, "at": at} for outage in range(2) for at in (1, 2, 3)
    ]
    assert [info["seq"] for _, (_, info) in link.published] == list(range(6))
    assert feed.spool.size_bytes == 0


def test_publishing_while_the_router_is_away_says_nothing(agent, link, feed):
    with capturedLogs() as logs:
        link.away = True
        for number in range(100):
            feed.publish_message(sample(float(number), a=number))
    assert len(logs) <= 1  # where the messages are kept
    assert "kept in memory only" in logs[0]["log_format"]


def test_a_message_is_kept_before_it_is_sent(agent, link, feed):
    seen = []
    link.publish = lambda topic, pair: seen.append(
        agent.spools.answer("temperatures")["messages"][-1]
    )
    feed.publish_message(sample(a=1))
    feed.publish_message(sample(2.0, a=2))
    assert [info["seq"] for _, info in seen] == [0, 1]


def test_the_heartbeat_has_the_numbers_of_recorded_feeds(agent, link, feed):
    agent.register_feed("aside", record=True, agg_params={"exclude_aggregator": True})
    agent.register_feed("state")
    for name, message in (("aside", sample(a=1)), ("state", 1), ("temperatures", sample(a=1))):
        agent.publish_to_feed(name, message)
        agent.publish_to_feed(name, message)
    agent.heartbeat.start()
    agent.heartbeat.stop()
    topic, (_, info) = link.published[-1]
    assert topic.endswith("heartbeat")
    assert info["feeds"] == {"temperatures": 2}


def test_a_message_that_cannot_be_sent_has_a_number_all_the_same(agent, link, feed):
    link.publish = Mock(side_effect=[SerializationError("too odd"), None])
    feed.publish_message(sample(a=1))
    feed.publish_message(sample(2.0, a=2))
    assert link.publish.call_args.args[1][1]["seq"] == 1


def test_an_int_beyond_64_bits_is_a_float_as_in_the_files(feed, link):
    feed.publish_message(samples([1.0, 2.0], a=[2**70, 1], b=[2**63, 0.5]))
    data = link.published[0][1][0]["temps"]["data"]
    assert data == {"a": [float(2**70), 1], "b": [float(2**63), 0.5]}
    assert type(data["a"][0]) is type(data["b"][0]) is float


def test_a_field_that_changes_from_number_to_text_begins_another_message(agent, link, reactor):
    feed = agent.register_feed("f", record=True, buffer_time=10)
    for value in (1, 2.5, True, "off", "on", 3):
        feed.publish_message(sample(a=value))
    feed.flush_buffer()
    columns = [message["temps"]["data"]["a"] for _, (message, _) in link.published]
    assert columns == [[1, 2.5, True], ["off", "on"], [3]]


def test_messages_after_the_end_are_not_collected(agent, link, reactor):
    feed = agent.register_feed("f", record=True, buffer_time=60)
    agent.end_operations(1)
    feed.publish_message(sample(a=1))
    assert len(link.published) == 1


def test_senseless_bounds_are_named_and_the_usual_ones_used(agent, link):
    with capturedLogs() as logs:
        feed = agent.register_feed("f", True, {"spool_time": -1, "spool_size": "64 apples"})
    assert ["-1" in str(e) or "64 apples" in str(e) for e in logs] == [True, True]
    assert feed.spool.limits == SpoolLimits()
    feed.publish_message(sample(a=1))
    assert len(link.published) == 1


def test_an_agent_that_ends_sends_what_it_has_kept(agent, link, feed, reactor):
    link.away = True
    feed.publish_message(sample(a=1))
    link.away = False
    feed.send_backlog()
    feed.publish_message(sample(2.0, a=2))
    agent.end_operations(1)
    assert [info["seq"] for _, (_, info) in link.published] == [0, 1]


def test_old_heartbeats_are_not_kept(agent, link):
    link.away = True
    agent.heartbeat.start()
    agent.heartbeat.stop()
    link.away = False
    agent.heartbeat.start()
    agent.feeds["heartbeat"].send_backlog()
    agent.heartbeat.stop()
    assert len(link.published) == 1


def test_an_unrecorded_feed_takes_anything_that_serialises(agent, link):
    agent.register_feed("state")
    message = {"list": [1], "array": np.array([1, 2])}
    agent.publish_to_feed("state", message)
    message["list"].append(2)
    assert link.published[0][1][0] == {"list": [1], "array": [1, 2]}
    with pytest.raises(TypeError, match="'state'"):
        agent.publish_to_feed("state", {"lock": object()})


def test_publishing_to_an_unregistered_feed_names_the_others(agent, link):
    agent.register_feed("state")
    with pytest.raises(ValueError, match=r"'nonsense' is not registered; registered are .'state'"):
        agent.publish_to_feed("nonsense", {})
    assert link.published == []


def test_the_same_feed_may_be_registered_again(agent, link):
    first = agent.register_feed("state", record=True, agg_params={"frame_length": 60})
    first.publish_message(sample(a=1))
    again = agent.register_feed("state", record=True, agg_params={"frame_length": 60})
    again.publish_message(sample(a=2))
    assert [info["seq"] for _, (_, info) in link.published] == [0, 1]


def test_a_name_of_two_feeds_is_refused_to_whoever_publishes(agent, link):
    feed = agent.register_feed("state", record=True)
    agent.register_feed("state", record=False)
    for publish in (feed.publish_message, lambda m: agent.publish_to_feed("state", m)):
        with pytest.raises(ValueError, match=r"'state' is registered twice, with .*True.*False"):
            publish(sample(a=1))
    assert link.published == []


def test_the_heartbeat_stays_the_agents_own(agent, link):
    mine = agent.register_feed("heartbeat", record=True)
    with pytest.raises(ValueError, match="'heartbeat' is the agent's own"):
        mine.publish_message(sample(a=1))
    agent.heartbeat.start()
    agent.heartbeat.stop()
    assert [message for _, (message, _) in link.published] == [{}]


@pytest.mark.parametrize(
    "name", ["", "two words", "a.b", "a#", "a\n", "\ud800", "n" * 300, "n" * 230]
)
def test_a_feed_name_that_is_no_part_of_an_address_is_refused(agent, link, name):
    feed = agent.register_feed(name, record=True)
    with pytest.raises(ValueError, match="feed name"):
        feed.publish_message(sample(a=1))
    assert link.published == []


def test_agg_params_that_cannot_be_sent_do_not_spoil_the_feed(agent, link):
    agent.register_feed("state", agg_params={"frame_length": math.inf}).publish_message(1)
    assert link.published[0][1][1]["agg_params"] == {"frame_length": None}


def test_a_message_that_contains_itself_is_refused(agent, link):
    message = {}
    message["again"] = [message]
    with pytest.raises(ValueError, match="'state': the message contains itself"):
        agent.register_feed("state").publish_message(message)


def test_the_checks_that_authors_call_by_themselves():
    assert Feed.verify_data_field_string("_a1")
    Feed.verify_message_data_type([1, 2.0])
    Feed.verify_influxdb_tags({"data": {}})
    with pytest.raises(TypeError):
        Feed.verify_message_data_type([None])


@given(st.text(max_size=300))
def test_a_corrected_field_name_is_valid(name):
    assert Feed.verify_data_field_string(Feed.enforce_field_name_rules(name))


def test_a_valid_field_name_is_left_alone():
    assert Feed.enforce_field_name_rules("_Stage_4K") == "_Stage_4K"
    assert Feed.enforce_field_name_rules("4K stage!") == "K_stage"


def test_a_block_collects_samples():
    block = Block("b", ["x"])
    assert block.empty()
    block.append({"timestamp": 1.0, "data": {"x": 5}})
    block.extend({"timestamps": [2.0], "data": {"x": [6]}})
    assert block.encoded() == {"block_name": "b", "data": {"x": [5, 6]}, "timestamps": [1.0, 2.0]}
    with pytest.raises(ValueError, match="'y'"):
        block.append({"timestamp": 3.0, "data": {"y": 1}})
    block.clear()
    assert block.empty()
