"""Mistakes of authors have the consequences that the guide describes."""

import re
import threading
from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from ocsd.agent.operations import thread_deaths
from ocsd.agent.operations.session import OpSession

PAGE = Path(__file__).parents[3] / "docs" / "write" / "writing-an-agent.md"


def row(mistake):
    """Return what the page says of a mistake, and the messages that it quotes."""
    [told] = re.findall(rf"^\| {re.escape(mistake)}[^|]* \| (.*) \|$", PAGE.read_text(), re.M)
    return told, re.findall(r"`([^`]+)`", told)


def is_quoted(message, quotes):
    """Whether a message has the form of one of the quoted ones; … stands for anything."""
    patterns = (".*".join(map(re.escape, quote.split("…"))) for quote in quotes)
    return any(re.fullmatch(pattern, message, re.DOTALL) for pattern in patterns)


def failing(agent, function):
    """Run an operation called x; return the message of its failure."""
    agent.register_task("x", function)
    agent.start("x")
    session = agent.status("x")[2]
    assert session["success"] is False
    [message] = [text for _, text in session["messages"] if text.startswith(("CRASH", "ERROR"))]
    return message


def test_an_exception_fails_the_operation(agent):
    def function(session, params):
        raise ValueError("no sensor")

    assert is_quoted(failing(agent, function), row("the function raises")[1])


def test_another_return_value_fails_the_operation(agent):
    told = row("it returns something else than")[1]
    assert is_quoted(failing(agent, lambda session, params: None), told)


@pytest.mark.parametrize("value", [float("inf"), b"bytes"])
def test_data_that_are_not_json_fail_the_operation(agent, value):
    def function(session, params):
        session.data = {"bad": value}
        return True, "done"

    assert is_quoted(failing(agent, function), row("`session.data` that is not JSON")[1])


@pytest.mark.parametrize(
    ("mistake", "feed", "field", "value", "error"),
    [
        ("a bad name, value or time is published", "good", "1st", 1.0, ValueError),
        ("a bad name, value or time is published", "good", "first", b"", TypeError),
        ("the feed is not registered", "bad", "first", 1.0, ValueError),
    ],
)
def test_a_bad_message_raises_in_the_publishing_thread(
    agent,
    mistake,
    feed,
    field,
    value,
    error,
):
    agent.register_feed("good", record=True)
    message = {"block_name": "b", "timestamp": 1.0, "data": {field: value}}
    with pytest.raises(error, match=f"'{feed}'.*('{field}'|'good')"):
        agent.publish_to_feed(feed, message)
    assert f"`{error.__name__}`" in row(mistake)[0]


def test_a_time_in_milliseconds_is_refused_in_the_words_of_the_page(agent):
    agent.unix_time = lambda: 1795328225.0
    agent.register_feed("temperatures", record=True)
    sample = {"block_name": "b", "timestamp": 1795328225123.0, "data": {"a": 1}}
    with pytest.raises(ValueError, match="milliseconds") as raised:
        agent.publish_to_feed("temperatures", sample)
    assert is_quoted(str(raised.value), row("a bad name, value or time is published")[1])


def test_a_row_that_is_too_large_is_refused(agent):
    agent.register_feed("log", record=True)
    sample = {"block_name": "b", "timestamp": 1.0, "data": {"a": "x" * 17_000_000}}
    with pytest.raises(ValueError, match="16,711,680") as raised:
        agent.publish_to_feed("log", sample)
    told = row("more is published than a message can carry (16 MiB)")[1]
    assert type(raised.value).__name__ in told


def test_a_misspelt_setting_is_named_in_the_log(agent):
    with capturedLogs() as events:
        agent.register_feed("temperatures", agg_params={"framelength": 60})
    [line] = map(formatEvent, events)
    assert is_quoted(line, row("a key of `agg_params` is misspelt")[1])


def test_a_stop_without_effect_is_told_after_ten_seconds(agent, reactor):
    now_s = [0.0]
    session = OpSession(0, "acq", monotonic=lambda: now_s[0])
    session.asked_to_end("stop")
    now_s[0] = 10.0
    assert is_quoted(session.overdue(), row("a stop function does not set the status")[1])


def test_a_name_that_is_registered_twice_is_refused(agent):
    agent.register_task("x", lambda session, params: (True, "one"))
    agent.register_task("x", lambda session, params: (True, "two"))
    code, message, _ = agent.start("x")
    assert code == -1
    assert is_quoted(message.partition(";")[0], row("one name is registered twice")[1])


def test_a_thread_that_dies_fails_the_operation(agent, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    thread_deaths.watch(agent)

    def function(session, params):
        thread = threading.Thread(target=lambda: [][0], name="y")
        thread.start()
        thread.join()
        return True, "done"

    assert is_quoted(failing(agent, function), row("a thread that the operation started dies")[1])


def test_a_unit_that_is_not_text_is_refused_in_the_words_of_the_page(agent):
    with pytest.raises(TypeError) as raised:
        agent.register_feed("temperatures", record=True, units={"channel_00": 4})
    assert is_quoted(str(raised.value), row("a unit or a label is not text")[1])


def test_a_misspelt_field_of_a_unit_is_named_in_the_log(agent, monkeypatch):
    now_s = [0.0]
    feed = agent.register_feed("temperatures", record=True, units={"chanel_00": "K"})
    monkeypatch.setattr(feed, "_monotonic", lambda: now_s[0])
    with capturedLogs() as events:
        for now_s[0] in (0.0, 60.0):
            feed.publish_message({"block_name": "b", "timestamp": 1.0, "data": {"channel_00": 1}})
    quotes = row("the name of a field in `units` is misspelt")[1]
    assert any(is_quoted(formatEvent(event), quotes) for event in events)
