"""A feed that has had messages before treats the next one as a feed that has had none."""

import datetime
import random

import numpy as np
import pytest

from ocsd.agent.feeds.message import checked_sample
from ocsd.agent.feeds.patterns import LONGEST_PAUSE, BytePattern, Patterns
from ocsd.agent.spool.segment import unpacked

NOW = 1.8e9
TAGS = {"a": {"_field": "kelvin", "channel": 1}, "b": {"_field": "kelvin", "channel": 2}}


def message(rows=3, block="temps", **columns):
    columns = columns or {
        "a": [0.5 + row for row in range(rows)],
        "b": [1.5 - row for row in range(rows)],
    }
    times = [NOW + row / 4 for row in range(rows)]
    return {"block_name": block, "timestamps": times, "data": columns}


def taught(given):
    patterns = Patterns()
    patterns.learn(checked_sample("f", given, NOW))
    return patterns


def block(body):
    [content] = unpacked(body).values()
    return content


def test_other_numbers_in_any_number_of_rows_are_known():
    patterns = taught(message())
    for rows in (1, 2, 3, 30, 300):
        given = message(rows)
        found = block(patterns.packed(given, NOW))
        assert found == checked_sample("f", given, NOW)


def test_one_sample_is_like_many():
    one = {"block_name": "temps", "timestamp": NOW, "data": {"a": 1.25, "b": np.float64(2.5)}}
    found = block(taught(message()).packed(one, NOW))
    assert found == {"block_name": "temps", "timestamps": [NOW], "data": {"a": [1.25], "b": [2.5]}}
    assert type(found["data"]["b"][0]) is float


def test_arrays_are_known_as_lists_are():
    given = message()
    arrays = {field: np.array(column) for field, column in given["data"].items()}
    found = taught(given).packed(
        {**given, "timestamps": np.array(given["timestamps"]), "data": arrays}, NOW
    )
    assert block(found) == checked_sample("f", given, NOW)


def test_ints_are_known_as_long_as_they_have_32_bits():
    patterns = taught(message(1, a=[1], b=[0.5]))
    assert block(patterns.packed(message(1, a=[2**31 - 1], b=[0.25]), NOW))["data"]["a"] == [
        2**31 - 1
    ]
    assert patterns.packed(message(1, a=[2**31], b=[0.25]), NOW) is None
    assert patterns.packed(message(1, a=[True], b=[0.25]), NOW) is None


def test_the_same_tags_are_known_and_others_are_not():
    patterns = taught({**message(), "influxdb_tags": TAGS})
    assert block(patterns.packed({**message(), "influxdb_tags": TAGS}, NOW))["influxdb_tags"] == (
        TAGS
    )
    assert patterns.packed(message(), NOW) is None
    other = {**TAGS, "b": {"_field": "kelvin", "channel": 3}}
    assert patterns.packed({**message(), "influxdb_tags": other}, NOW) is None


class OwnNumber(float):
    """A number of an author's own type."""


@pytest.mark.parametrize(
    "odd",
    [
        message(block="others"),
        message(a=[1.0, 2.0, 3.0]),
        message(b=[1.0, 2.0, 3.0], a=[1.0, 2.0, 3.0]),
        message(a=[1.0, 2.0, 3.0], c=[1.0, 2.0, 3.0]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, 2.0]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, 2.0, 3.0, 4.0]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, 2.0, 3]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, None, 3.0]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, "2", 3.0]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, OwnNumber(2), 3.0]),
        message(a=[1.0, 2.0, 3.0], b=[1.0, [2.0], 3.0]),
        message(a=[1.0, 2.0, 3.0], b=3.0),
        message(a=[1.0, 2.0, 3.0], b=object()),
        message(a=[1.0, 2.0, 3.0], b=np.ones((3, 1))),
        message(a=[1.0, 2.0, 3.0], b=np.arange(3)),
        message(0, a=[], b=[]),
        {**message(), "data": [1.0]},
        {**message(), "data": {}},
        {**message(), "block_name": ["temps"]},
        {**message(), "block_name": np.str_("temps")},
        {**message(), "timestamps": NOW},
        {**message(), "timestamps": None},
        {**message(), "timestamps": dict.fromkeys([NOW, NOW + 1, NOW + 2])},
        {**message(), "timestamps": [NOW, NOW + 1]},
        {**message(), "timestamps": [NOW, float("nan"), NOW]},
        {**message(), "timestamps": [float("nan"), NOW, NOW]},
        {**message(), "timestamps": [NOW, NOW, float("inf")]},
        {**message(), "timestamps": [NOW, NOW, 1.0]},
        {**message(), "timestamps": [NOW, NOW, NOW * 1000]},
        {**message(), "timestamps": [NOW, NOW, True]},
        {**message(), "timestamps": ["a", "b", "c"]},
        {**message(), "influxdb_tags": {}},
        {key: value for key, value in message().items() if key != "block_name"},
        {key: value for key, value in message().items() if key != "timestamps"},
        "message",
        None,
        [message()],
    ],
)
def test_whatever_is_not_alike_has_to_be_checked(odd):
    assert taught(message()).packed(odd, NOW) is None


def test_text_and_mixed_columns_have_no_pattern():
    for column in (["on"], [True], [1, 2.0], [2**70]):
        sample = checked_sample("f", message(len(column), a=column), NOW)
        sample["data"]["a"] = column
        pattern = BytePattern.of(sample)
        assert (pattern is None) is (column != [2**70])
    assert taught(message(1, a=["on"])).packed(message(1, a=["on"]), NOW) is None


@pytest.mark.parametrize("column", [[1], [1.0]])
def test_tags_that_are_kept_in_another_format_have_no_pattern(column):
    moment = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
    given = {**message(1, a=column), "influxdb_tags": {"a": {"_field": "x", "since": moment}}}
    assert BytePattern.of(checked_sample("f", given, NOW)) is None
    assert taught(given).packed(given, NOW) is None


def test_a_feed_whose_messages_differ_in_more_is_tried_seldom():
    patterns, tries = Patterns(), 0
    for number in range(1000):
        given = message(1, f"block{number}")
        assert patterns.packed(given, NOW) is None
        known = len(patterns._patterns)
        patterns.learn(checked_sample("f", given, NOW))
        tries += len(patterns._patterns) != known
    assert tries < 6 + 1000 / LONGEST_PAUSE * 1.2
    # Messages that are alike again are known after two pauses.
    for _ in range(2 * LONGEST_PAUSE + 1):
        if patterns.packed(given, NOW) is not None:
            return
        patterns.learn(checked_sample("f", given, NOW))
    pytest.fail("it is still checked")


_VALUES = [
    True,
    0,
    7,
    -99,
    2**31,
    2**63,
    1.5,
    2.5,
    float("nan"),
    "a",
    "é",
    None,
    [1],
    np.float32(3),
]


def _some_message(choose):
    fields = choose.choice([["a"], ["a", "b"], ["a", "b"], ["b", "a"], ["a", "1"]])
    rows = choose.choice([0, 1, 1, 2, 2, 5])
    kind = choose.choice([*[1.5] * 4, *_VALUES])
    columns = {}
    for field in fields:
        columns[field] = [kind for _ in range(rows)]
        if rows and choose.random() < 0.1:
            columns[field][-1] = choose.choice(_VALUES)
        if choose.random() < 0.05:
            columns[field] = columns[field][1:]
    given = message(rows, choose.choice(["temps", "temps", "temps", "others", ""]), **columns)
    if choose.random() < 0.3:
        given["timestamp"] = NOW
        given["data"] = {field: choose.choice([1.5, kind]) for field in fields}
    if choose.random() < 0.1:
        given["influxdb_tags"] = choose.choice([TAGS, {"a": {"_field": "x"}}, {"a": {}}])
    return given


def test_a_feed_with_a_past_sends_and_refuses_what_a_new_one_does(agent, link):
    agent.unix_time = lambda: NOW
    choose, past = random.Random(3), agent.register_feed("past", record=True)
    for number in range(3000):
        given = _some_message(choose)
        new = agent.register_feed(f"new{number}", record=True)
        outcomes = []
        for feed in (past, new):
            link.published.clear()
            try:
                feed.publish_message(given)
            except (ValueError, TypeError) as error:
                outcomes.append(str(error).replace(feed.feed_name, "feed"))
            else:
                sent = [repr(pair[0]) for _, pair in link.published]
                kept = [repr(each.message) for each in feed.spool.messages(feed.next_number - 1)]
                outcomes.append((sent, kept if sent else []))
        assert outcomes[0] == outcomes[1]
        agent.feeds.pop(new.feed_name)
        agent.spools.feeds.pop(new.feed_name, None)
