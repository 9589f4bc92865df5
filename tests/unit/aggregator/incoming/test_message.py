import math
from array import array

import pytest

from ocsd.aggregator.incoming.message import (
    RefusedError,
    check_field_names,
    read_blocks,
    read_number,
    read_origin,
    sender_of,
)


def feed_info(**changes):
    info = {
        "agent_address": "observatory.thermo1",
        "address": "observatory.thermo1.feeds.temperatures",
        "agg_params": {"frame_length": 60},
        "session_id": "1795328225.25",
        "record": True,
        "seq": 7,
    }
    return info | changes


def block(timestamps, **data):
    return {"temps": {"block_name": "temps", "timestamps": timestamps, "data": data}}


def test_feed_info_tells_feed_session_and_number():
    origin = read_origin(feed_info())
    assert origin.address == "observatory.thermo1.feeds.temperatures"
    assert (origin.session_id, origin.numbered) == ("1795328225.25", True)
    assert read_number(feed_info()) == 7
    assert (origin.frame_length_s, origin.fresh_time_s) == (60.0, 180.0)


@pytest.mark.parametrize(
    "value",
    ["60", -1, 0, math.nan, math.inf, None, True, [], pytest.param(10**5000, id="long")],
)
def test_a_senseless_frame_length_means_the_default(value):
    assert read_origin(feed_info(agg_params={"frame_length": value})).frame_length_s == 300.0


def test_agents_of_the_published_ocs_give_no_numbers():
    assert not read_origin(feed_info(seq=None)).numbered
    assert read_number(feed_info(seq=None)) is None


@pytest.mark.parametrize("number", ["3", -1, True, 1.0, 2**63, pytest.param(10**5000, id="long")])
def test_a_senseless_number_is_refused(number):
    with pytest.raises(RefusedError, match=r"its number \(seq\) is .*, not a count from 0"):
        read_number(feed_info(seq=number))


@pytest.mark.parametrize("change", [{"address": None}, {"address": ""}, {"session_id": []}])
def test_a_message_of_no_feed_is_refused(change):
    with pytest.raises(RefusedError):
        read_origin(feed_info(**change))


def test_a_feed_may_ask_not_to_be_recorded_here():
    assert not read_origin(feed_info(agg_params={"exclude_aggregator": True})).wanted


def test_the_sender_has_a_name_whatever_it_sends():
    assert sender_of(feed_info()) == "observatory.thermo1"
    assert sender_of({"agent_address": 3}) == "unknown"
    assert sender_of(None) == "unknown"


def test_a_good_block_comes_out_as_it_went_in():
    (samples,) = read_blocks(block([1.0, 2.0], a=[1, 2], b=["x", "y"]), 0.0)
    assert (samples.block_name, samples.length) == ("temps", 2)
    assert list(array("d", samples.times)) == [1.0, 2.0]
    assert samples.last_time == 2.0
    assert samples.columns == {"a": [1, 2], "b": ["x", "y"]}


def test_a_bad_block_does_not_take_the_good_ones_with_it():
    message = {"bad": {"data": {"a": [1]}, "timestamps": [math.nan]}} | block([1.0], a=[1])
    refused, samples = read_blocks(message, 0.0)
    assert isinstance(refused, RefusedError)
    assert samples.block_name == "temps"


def test_a_block_without_samples_is_left_out():
    assert list(read_blocks(block([], a=[]), 0.0)) == []


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {"temps": None},
        {3: {}},
        {"temps": {"data": {}}},
        block([1.0, 2.0], a=[1]),
        block([1.0], a=1),
        block([math.nan], a=[1]),
        block([math.inf, -math.inf], a=[1, 2]),
        block(["2026-11-22"], a=[1]),
        block([True], a=[1]),
        block([1.8e12], a=[1]),  # milliseconds
        block([10**400], a=[1]),
        block([1.7e308, 1.7e308], a=[1, 2]),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_a_reason(message):
    (refused,) = read_blocks(message, 0.0)
    assert isinstance(refused, RefusedError)
    assert str(refused)


@pytest.mark.parametrize("name", ["a", "_a", "A1", "x" * 255, "__a_0"])
def test_field_names_of_ocs_are_good(name):
    check_field_names("b", [name])


@pytest.mark.parametrize("name", ["", "_", "1a", "_1", "a.b", "a b", "é", "x" * 256, 3, "a\n"])
def test_other_field_names_are_refused(name):
    with pytest.raises(RefusedError):
        check_field_names("b", [name])


def test_a_block_needs_a_field():
    with pytest.raises(RefusedError):
        check_field_names("b", [])
