"""The latest value of each field."""

import pytest

from ocsd.cli.talk.latest import LatestValues


def message(agent="thermo1", feed="temperatures", at=10.0, record=True, **fields):
    block = {"timestamps": [at - 1, at], "data": {name: [0, new] for name, new in fields.items()}}
    info = {"agent_address": f"observatory.{agent}", "feed_name": feed, "record": record}
    return {"topic": "x", "message": {"block": block}, "feed_info": info}


def names(latest):
    return [value.name for value in latest.sorted()]


def test_the_newest_sample_of_a_message_counts():
    latest = LatestValues()
    latest.take(message(channel_00=1.5, channel_01="on"))
    first, second = latest.sorted()
    assert (first.name, first.value, first.at) == ("thermo1.temperatures.channel_00", 1.5, 10.0)
    assert second.value == "on"


def test_an_older_sample_that_comes_late_changes_nothing():
    latest = LatestValues()
    latest.take(message(at=10.0, channel_00=1))
    latest.take(message(at=5.0, channel_00=2))
    assert [value.value for value in latest.sorted()] == [1]
    latest.take(message(at=11.0, channel_00=3))
    assert [value.value for value in latest.sorted()] == [3]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("thermo1", 2),
        ("thermo?", 4),
        ("thermo1.temperatures", 2),
        ("*.channel_00", 2),
        ("channel_01", 2),
        ("thermo2.temperatures.channel_01", 1),
        ("pump", 0),
    ],
)
def test_a_pattern_names_agents_feeds_or_fields(pattern, count):
    latest = LatestValues([pattern])
    for agent in ("thermo1", "thermo2"):
        latest.take(message(agent, channel_00=1, channel_01=2))
    assert len(names(latest)) == count


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"message": 7, "feed_info": None},
        {"message": {"b": 7}, "feed_info": {"record": True}},
        {"message": {"b": {"timestamps": [], "data": {"a": []}}}, "feed_info": {"record": True}},
        message(record=False, channel_00=1),
    ],
)
def test_what_is_no_sample_is_left_out(line):
    latest = LatestValues()
    latest.take(line)
    assert names(latest) == []


@pytest.mark.parametrize(
    ("units", "shown"), [({"channel_00": "K"}, "K"), ({}, ""), (None, ""), (["K"], ""), ("K", "")]
)
def test_units_that_its_agent_declares_are_those_of_the_value(units, shown):
    latest = LatestValues()
    line = message(channel_00=1)
    line["feed_info"]["units"] = units
    latest.take(line)
    [value] = latest.sorted()
    assert value.units == shown
