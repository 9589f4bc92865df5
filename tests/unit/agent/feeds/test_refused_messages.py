"""Messages that subscribers could not read are refused where they are published."""

import math

import pytest

from tests.unit.agent.faulty_runs import NOT_UNICODE, fault_of, run


@pytest.mark.parametrize(
    "publish",
    [
        lambda agent: agent.publish_to_feed("nonsense", {}),
        lambda agent: agent.publish_to_feed(
            "temps", {"block_name": "b", "timestamp": 1.0, "data": {"9a": 1}}
        ),
        lambda agent: agent.publish_to_feed(
            "temps", {"block_name": "b", "timestamp": 1.0, "data": {"a": None}}
        ),
        lambda agent: agent.publish_to_feed(
            "temps", {"block_name": "b", "timestamp": math.nan, "data": {"a": 1}}
        ),
        lambda agent: agent.publish_to_feed("temps", None),
    ],
    ids=["unregistered", "field name", "value", "timestamp", "nothing"],
)
def test_a_bad_message_raises_where_it_is_published(agent, reactor, link, publish):
    agent.register_feed("temps", record=True)

    def func(session, params):
        publish(agent)
        return True, "published"

    fault = fault_of(run(agent, reactor, func))
    assert fault.startswith("CRASH: operation 'op' raised")
    assert "feed 'temps'" in fault or "feed 'nonsense'" in fault
    assert link.published == []


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"name": NOT_UNICODE}},
        {"block_name": NOT_UNICODE},
        {"influxdb_tags": {"name": {"_field": "x", "place": NOT_UNICODE}}},
        {"influxdb_tags": {"name": {"_field": object()}}},
    ],
)
def test_a_bad_sample_is_refused_before_it_spoils_good_ones(agent, change):
    feed = agent.register_feed("temps", record=True, buffer_time=10)
    good = {"block_name": "b", "timestamp": 1.0, "data": {"name": "good"}}
    agent.publish_to_feed("temps", good)
    with pytest.raises((ValueError, TypeError), match="feed 'temps'"):
        agent.publish_to_feed("temps", {**good, **change})
    assert feed.blocks["b"].data == {"name": ["good"]}
    feed.finish()


@pytest.mark.parametrize("message", [NOT_UNICODE, {(1, 2): 3}, {"a": [NOT_UNICODE]}])
def test_a_free_message_that_no_client_can_read_is_refused(agent, message):
    agent.register_feed("free")
    with pytest.raises((ValueError, TypeError), match="feed 'free'"):
        agent.publish_to_feed("free", message)
