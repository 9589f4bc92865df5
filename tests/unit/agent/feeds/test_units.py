"""Units and labels of fields, from their declaration to the message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs, formatEvent

from ocsd.agent.feeds.units import (
    LABELS,
    LONGEST_DECLARATION_BYTES,
    UNITS,
    Unpublished,
    declared,
    received,
)

SAMPLE = {"block_name": "b", "timestamp": 1.0, "data": {"channel_00": 4.2}}


def test_they_go_with_every_message_and_only_where_they_are_declared(agent, link):
    plain = agent.register_feed("plain", record=True)
    told = agent.register_feed(
        "told", record=True, units={"channel_00": "mK/√Hz"}, labels={"channel_00": "cold plate"}
    )
    plain.publish_message(SAMPLE)
    told.publish_message(SAMPLE)
    (_, (_, first)), (_, (_, second)) = link.published
    assert first.keys() & {UNITS, LABELS} == set()
    assert (second[UNITS], second[LABELS]) == (
        {"channel_00": "mK/√Hz"},
        {"channel_00": "cold plate"},
    )


def test_a_feed_that_is_registered_with_other_units_is_refused(agent):
    feed = agent.register_feed("temps", record=True, units={"a": "K"})
    assert agent.register_feed("temps", record=True, units={"a": "K"}) is feed
    agent.register_feed("temps", record=True, units={"a": "mK"})
    with pytest.raises(ValueError, match="registered twice"):
        feed.publish_message(SAMPLE)


@pytest.mark.parametrize(
    ("texts", "error", "words"),
    [
        (["K"], TypeError, "units are list ['K'], not a map; write e.g."),
        ("K", TypeError, "units are str 'K', not a map"),
        ({"channel 0": "K"}, ValueError, "units: no field has the name str 'channel 0', because"),
        ({7: "K"}, ValueError, "int 7"),
        ({"x" * 300: "K"}, ValueError, "more than 255 characters"),
        ({"a": 4}, TypeError, "units: that of field 'a' is int 4, not text"),
        ({"a": None}, TypeError, "NoneType None, not text"),
        ({"a": b"K"}, TypeError, "not text"),
        ({"a": " "}, ValueError, "is empty"),
        ({"a": "K" * 10_240}, ValueError, "has 10,240 characters, at most 64 are allowed"),
        ({"a": "K\x1b[31m"}, ValueError, "has a control character"),
        ({"a": "K\n"}, ValueError, "has a control character"),
        ({"a": "\u202eK"}, ValueError, "has a control character"),
        ({"a": "\ud800"}, ValueError, "has a control character"),
        ({f"field_{n:05}": "K" * 64 for n in range(1000)}, ValueError, "at most 32,768"),
    ],
)
def test_bad_ones_raise_in_the_authors_thread_and_name_the_feed(agent, texts, error, words):
    with pytest.raises(error) as raised:
        agent.register_feed("temps", record=True, units=texts)
    assert "feed 'temps': units" in str(raised.value)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 500
    assert "temps" not in agent.feeds


@given(st.dictionaries(st.text(max_size=5) | st.integers(), st.text(max_size=5) | st.none()))
def test_a_receiver_takes_exactly_what_an_author_may_declare(texts):
    taken = received({UNITS: texts}, UNITS)
    assert declared("f", UNITS, taken) == taken
    for field in texts.keys() - taken.keys():
        with pytest.raises((ValueError, TypeError)):
            declared("f", UNITS, {field: texts[field]})


@pytest.mark.parametrize("text", ["\u00b5K", "K\xa0s", "\ue000"])
def test_a_blank_that_is_no_space_and_a_private_character_are_text(text):
    assert declared("f", UNITS, {"a": text}) == {"a": text}


@pytest.mark.parametrize("value", [None, 7, [], "K", {"a": ["K"]}, {"a": {"b": "K"}}])
def test_a_receiver_survives_anything(value):
    assert received({UNITS: value}, UNITS) == {}


def test_too_many_units_at_once_are_none():
    texts = {f"field_{n:05}": "K" * 64 for n in range(LONGEST_DECLARATION_BYTES // 64)}
    assert received({UNITS: texts}, UNITS) == {}


def test_a_misspelt_field_is_named_once_after_a_minute(agent, monkeypatch):
    now_s = [0.0]
    feed = agent.register_feed("temps", record=True, units={"chanel_00": "K"})
    monkeypatch.setattr(feed, "_monotonic", lambda: now_s[0])
    with capturedLogs() as events:
        for now_s[0] in (0.0, 30.0, 61.0, 90.0):
            feed.publish_message(SAMPLE)
    [line] = [formatEvent(event) for event in events if "chanel" in formatEvent(event)]
    assert line == (
        "feed 'temps': no field 'chanel_00' is published, for which units or a label are given; "
        "did you mean 'channel_00'?"
    )


def test_more_may_be_declared_than_a_device_has():
    fields = Unpublished({"A0": "V", "A1": "V"}, {"A7": "spare"})
    assert fields.see({"A0": 1}, 0.0) == ""
    assert fields.see({"A0": 1}, 61.0) == ""
    assert not fields.fields
