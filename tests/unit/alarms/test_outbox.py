"""Messages on their way to people, with times and failures made up."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.alarms.outbox import (
    FEWEST_ATTEMPTS,
    GIVEN_UP_AFTER_S,
    LONGEST_REPEAT_S,
    AlarmMessage,
    MessageState,
    Outbox,
    outbox_from_json,
)


def kept(box):
    """Return the outbox that the next process has."""
    return outbox_from_json(json.loads(json.dumps(box.to_json())))


def test_a_message_is_tried_until_it_is_delivered():
    box = Outbox().queued("1", "vera", {"text": "warm"}, 100.0)
    [first] = box.due(100.0)
    box = box.changed(first.begun())
    assert box.due(200.0) == ()
    failed = first.begun().failed("connection refused", 101.0)
    box = box.changed(failed)
    assert (failed.due_at, failed.reason) == (106.0, "connection refused")
    assert box.due(105.9) == ()
    [again] = box.due(106.0)
    box = box.changed(again.begun().delivered())
    assert box == Outbox()


def test_attempts_become_rarer_up_to_ten_minutes():
    message, waits = AlarmMessage("1", "vera", {}, 0.0), []
    for _ in range(10):
        message = message.begun().failed("busy", 0.0)
        waits.append(message.due_at)
    assert waits == [5, 10, 20, 40, 80, 160, 320, *[LONGEST_REPEAT_S] * 3]


def test_after_a_day_it_is_given_up():
    first = AlarmMessage("1", "vera", {}, 0.0).begun().failed("busy", GIVEN_UP_AFTER_S)
    assert first.state is MessageState.WAITING  # The host was down for a day.
    message = replace(first, attempts=FEWEST_ATTEMPTS).failed("busy", GIVEN_UP_AFTER_S)
    assert (message.state, message.reason) == (MessageState.UNDELIVERABLE, "busy")
    box = Outbox().queued("1", "vera", {}, 0.0).changed(message)
    assert box.messages == ()


def test_a_message_does_not_wait_for_a_clock_that_was_set_back():
    box = Outbox().queued("1", "vera", {}, 5e9)
    assert [each.key for each in box.due(1000.0)] == ["1"]


def test_each_receiver_gets_one_after_the_other_and_a_refused_one_holds_up_none():
    box = Outbox()
    for key in "123":
        box = box.queued(key, "vera", {}, 100.0)
    box = box.queued("1", "simon", {}, 100.0)
    assert [(each.key, each.receiver) for each in box.due(100.0)] == [("1", "vera"), ("1", "simon")]
    box = box.changed(box.due(100.0)[0].begun())
    assert [each.receiver for each in box.due(100.0)] == ["simon"]
    box = box.changed(box.find("1", "vera").failed("400 bad request", 100.0))
    assert [(each.key, each.receiver) for each in box.due(100.0)] == [("2", "vera"), ("1", "simon")]


def test_a_message_is_queued_once():
    box = Outbox().queued("1", "vera", {}, 100.0)
    assert box.queued("1", "vera", {"other": 1}, 200.0) == box


def test_after_a_kill_an_attempt_that_was_under_way_is_not_made_again_by_itself():
    box = Outbox().queued("1", "vera", {"a": 1}, 100.0).queued("2", "vera", {}, 100.0)
    box = kept(box.changed(box.due(100.0)[0].begun()))
    assert box.find("1", "vera").state is MessageState.UNCERTAIN
    assert [each.key for each in box.due(1e6)] == ["2"]
    assert kept(box) == box
    retried = box.changed(box.find("1", "vera").failed("perhaps delivered", 200.0))
    assert "1" in [each.key for each in retried.due(1e6)]
    newer = [{**each, "colour": "red"} for each in box.to_json()]
    assert outbox_from_json(newer) == box


events = st.lists(
    st.tuples(st.sampled_from(["queue", "try", "fail", "deliver", "kill"]), st.integers(0, 3)),
    max_size=40,
)


def under_way(box):
    return [each for each in box.messages if each.state is MessageState.UNDER_WAY]


def after(box, kind, number, at):
    """Return the outbox after something has happened."""
    if kind == "kill":
        return kept(box)
    if kind == "queue":
        return box.queued(str(number), "vera", {}, at)
    ends = {
        "try": [each.begun() for each in box.due(at)],
        "fail": [each.failed("busy", at) for each in under_way(box)],
        "deliver": [each.delivered() for each in under_way(box)],
    }
    for message in ends[kind]:
        box = box.changed(message)
    return box


@settings(max_examples=100)
@given(events)
def test_whatever_happens_a_message_is_never_under_way_twice_and_none_is_lost(happened):
    box, at = Outbox(), 0.0
    for kind, number in happened:
        at += 700.0
        before, box = box, after(box, kind, number, at)
        gone = {each.key for each in before.messages} - {each.key for each in box.messages}
        done = {each.key for each in under_way(before)}
        assert gone == (done if kind == "deliver" else set())
        assert len(under_way(box)) <= 1
        uncertain = [each.key for each in box.messages if each.state is MessageState.UNCERTAIN]
        assert not {each.key for each in box.due(1e9)}.intersection(uncertain)
