"""How `ocsd listen` prints a message for people."""

import io
import json

import pytest

from ocsd.client import listen

INFO = {
    "agent_address": "observatory.dev1",
    "feed_name": "values",
    "address": "observatory.dev1.feeds.values",
    "record": True,
}
BLOCK = {
    "block_name": "b",
    "timestamps": [1.0, 2.0],
    "data": {"t": [1.5, 2.123456789], "ok": [0, 1]},
}
NOON = 12 * 3600.0


def test_a_recorded_message_is_told_by_its_last_sample():
    text = listen.message_text({"b": BLOCK}, INFO, NOON)
    assert text == "12:00:00.000Z dev1.values  b (2 samples) t=2.12346 ok=1"


@pytest.mark.parametrize(
    ("message", "told"),
    [({"b": {"timestamps": []}}, 'b: {"timestamps": []}'), ({"b": 1}, "b: 1"), ([1], "[1]")],
)
def test_a_message_of_another_shape_is_shown_as_it_is(message, told):
    assert listen.message_text(message, INFO, NOON) == f"12:00:00.000Z dev1.values  {told}"


def test_what_is_not_recorded_is_shown_as_json():
    info = {**INFO, "record": False}
    assert listen.message_text({"a": None}, info, NOON).endswith('  {"a": null}')


def test_heartbeats_are_left_out_unless_asked_for(capsys):
    beat = ({"acq": 3}, {**INFO, "feed_name": "heartbeat"})
    for heartbeats in (False, True):
        listen.FeedListener("observatory..feeds.", True, heartbeats).print_message(beat)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == {"acq": 3}


def test_something_that_is_no_feed_is_printed_all_the_same(capsys):
    listen.FeedListener("some.topic", True, False).print_message("hello")
    printed = json.load(io.StringIO(capsys.readouterr().out))
    assert printed == {"topic": "some.topic", "message": "hello", "feed_info": {}}


@pytest.mark.parametrize("as_json", [True, False])
def test_values_that_json_does_not_have_are_printed_as_json(capsys, as_json):
    message = {"raw": b"ab", "value": float("nan")}
    listen.FeedListener("t", as_json, False).print_message((message, {**INFO, "record": False}))
    line = capsys.readouterr().out
    assert json.loads(line[line.index("{") :] if not as_json else line)
    assert "NaN" not in line


def test_a_pair_that_is_no_feed_is_printed_whole(capsys):
    listen.FeedListener("t", True, False).print_message([1, 2])
    assert json.loads(capsys.readouterr().out)["message"] == [1, 2]
