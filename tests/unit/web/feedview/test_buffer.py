"""The samples that a feed viewer keeps."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.web.feedview.buffer import FIELD_COST, FeedBuffer

NOW = 1_795_328_225.0
EVER = (-math.inf, math.inf)


class Clock:
    def __init__(self):
        self.s = 1000.0

    def __call__(self):
        return self.s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def buffer(clock):
    return FeedBuffer(3600.0, monotonic=clock, unix_time=lambda: NOW)


def take(buffer, times, record=True, **data):
    message = {"b": {"block_name": "b", "timestamps": times, "data": data}}
    buffer.take(message, {"record": record, "units": {"a": "K"}, "labels": {"a": "cold"}})


def samples(buffer, name, since=-math.inf, until=math.inf):
    times, values = buffer.between(name, since, until)
    return list(zip(times.tolist(), values.tolist(), strict=True))


def test_samples_come_back_in_the_order_of_time(buffer):
    take(buffer, [NOW, NOW + 1], a=[1.5, 2])
    take(buffer, [NOW - 5], a=[True])
    take(buffer, [NOW + 2], a=[None])
    found = samples(buffer, "a")
    assert found[:3] == [(NOW - 5, 1.0), (NOW, 1.5), (NOW + 1, 2.0)]
    assert math.isnan(found[3][1])
    assert samples(buffer, "a", NOW, NOW + 1) == [(NOW, 1.5), (NOW + 1, 2.0)]
    assert samples(buffer, "never") == []
    assert (buffer.units, buffer.labels) == ({"a": "K"}, {"a": "cold"})


def test_what_came_in_too_long_ago_goes(buffer, clock):
    take(buffer, [NOW], a=[1.0], old=[1.0])
    clock.s += 3000
    take(buffer, [NOW + 3000], a=[2.0])
    clock.s += 700
    buffer.trim()
    assert buffer.names() == ["a"]
    assert samples(buffer, "a") == [(NOW + 3000, 2.0)]


def test_a_time_far_ahead_does_not_end_the_others(buffer):
    take(buffer, [NOW], a=[1.0])
    take(buffer, [NOW + 300 * 86400], a=[2.0])
    assert len(samples(buffer, "a")) == 2


def test_texts_are_kept_when_they_change_and_once_a_minute(buffer, clock):
    take(buffer, [NOW + n for n in range(5)], state=["on", "on", "off", "off", "on"])
    assert samples(buffer, "state") == [(NOW, "on"), (NOW + 2, "off"), (NOW + 4, "on")]
    assert samples(buffer, "state", NOW + 3, NOW + 9) == [(NOW + 2, "off"), (NOW + 4, "on")]
    for minute in range(90):
        clock.s += 60
        take(buffer, [NOW + 60 * minute + 64], state=["on"])
    assert buffer.names() == ["state"]
    assert len(samples(buffer, "state")) == 61


def test_a_field_that_becomes_text_and_back_is_that(buffer, clock):
    take(buffer, [NOW], a=[1.0])
    take(buffer, [NOW + 1], a=["broken"])
    assert buffer.is_text("a")
    assert samples(buffer, "a") == [(NOW + 1, "broken")]
    take(buffer, [NOW + 2], a=[3.0])
    assert samples(buffer, "a") == [(NOW + 2, 3.0)]
    clock.s += 3700
    buffer.trim()
    assert (buffer.names(), buffer._total) == ([], 0)


def test_memory_is_bounded_and_the_oldest_goes_first(clock):
    buffer = FeedBuffer(3600.0, most_samples=1000, monotonic=clock, unix_time=lambda: NOW)
    for second in range(100):
        clock.s += 1
        take(buffer, [NOW + second] * 50, a=[float(second)] * 50)
    found = samples(buffer, "a")
    assert found[-1] == (NOW + 99, 99.0)
    assert 900 <= len(found) <= 1000
    assert buffer.is_short_of_memory


def test_ever_new_names_are_bounded(clock):
    buffer = FeedBuffer(3600.0, most_samples=1000, monotonic=clock, unix_time=lambda: NOW)
    for number in range(500):
        clock.s += 1
        take(buffer, [NOW], **{f"field_{number}": [1.0]})
    assert len(buffer.fields) <= 1000 // FIELD_COST + 1


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        [],
        {"b": 7},
        {"b": {"timestamps": [NOW], "data": {"a": [1, 2]}}},
        {"b": {"timestamps": ["x"], "data": {"a": [1]}}},
        {"b": {"timestamps": [NOW], "data": {"a": [{}]}}},
        {"b": {"timestamps": [NOW], "data": {"a": [10**400]}}},
        {"b": {"timestamps": [NOW * 1000], "data": {"a": [1]}}},
    ],
)
def test_a_message_that_cannot_be_used_is_told(buffer, message):
    take(buffer, [NOW], a=[1.0])
    buffer.take(message, {"record": True})
    assert buffer.refused
    assert samples(buffer, "a") == [(NOW, 1.0)]


def test_a_feed_that_is_not_recorded_has_no_samples(buffer):
    take(buffer, [NOW], record=False, a=[1.0])
    assert "not recorded" in buffer.refused
    assert buffer.names() == []


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.lists(st.one_of(st.floats(), st.text(max_size=3)), min_size=1, max_size=4),
            st.integers(0, 2000),
        ),
        max_size=20,
    )
)
def test_the_count_of_what_is_kept_is_right(messages):
    clock = Clock()
    buffer = FeedBuffer(3600.0, most_samples=200, monotonic=clock, unix_time=lambda: NOW)
    for name, values, wait_s in messages:
        clock.s += wait_s
        take(buffer, [NOW] * len(values), **{name: values})
        assert buffer._total <= 200 + 4 * 9 + FIELD_COST
    clock.s += 4000
    buffer.trim()
    assert (buffer._total, buffer.fields) == (0, {})
