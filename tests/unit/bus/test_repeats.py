"""An event that differs from the latest of its sender in its numbers only need not be decoded."""

import pytest

from ocsd.bus.repeats import RepeatedEvents
from ocsd.bus.wamp import CBORSerializer, Event

TOPIC = "observatory.thermo1.feeds.heartbeat"


def event(codes, number, publication=7, subscription=3, feeds=None):
    """Return a heartbeat as a router sends it; one without a number is an agent's on OCS."""
    info = {"agent_address": "observatory.thermo1", "agent_class": "Thermo"}
    if feeds is not None:
        info["feeds"] = feeds
    if number is not None:
        info["seq"] = number
    message = Event(subscription, publication, args=[[codes, info]], topic=TOPIC)
    return CBORSerializer().serialize(message)[0]


@pytest.fixture
def events():
    return RepeatedEvents()


@pytest.fixture
def handle(events):
    """Return a function that lets an event be handled, and says whether it was decoded."""

    def handle(payload, sender="thermo1", again=lambda: True):
        if events.take(payload):
            return False
        events.remember(sender, again)
        events.done()
        return True

    return handle


@pytest.mark.parametrize("number", [0, 22, 23, 254, 255, 65534, 65535, 2**32 - 1, None])
def test_other_numbers_make_no_other_event(handle, number):
    assert handle(event({"acq": 3}, number))
    after = None if number is None else number + 1
    assert not handle(event({"acq": 3}, after, publication=2**52))
    assert not handle(event({"acq": 3}, after, publication=300))


def test_an_agent_that_publishes_says_the_same_in_other_numbers(handle):
    assert handle(event({"acq": 3}, 300, feeds={"temperatures": 23}))
    assert not handle(event({"acq": 3}, 301, feeds={"temperatures": 24}))
    assert handle(event({"acq": 5}, 302, feeds={"temperatures": 25}))


@pytest.mark.parametrize("operation", ["feeds", "purgefeeds"])
def test_an_operation_of_that_name_hides_no_other_one(handle, operation):
    assert handle(event({operation: 3, "acq": 3}, None))
    assert handle(event({operation: 3, "acq": 5}, None))
    assert not handle(event({operation: 3, "acq": 5}, None, publication=300))


def test_what_else_differs_makes_another_event(handle):
    assert handle(event({"acq": 3}, 300))
    assert handle(event({"acq": 5}, 301))
    assert handle(event({"acq": 5}, 302, subscription=4))


def test_only_the_latest_of_a_sender_can_be_repeated(handle):
    assert handle(event({"acq": 3}, 300))
    assert handle(event({"acq": 5}, 301))
    assert handle(event({"acq": 3}, 302))


def test_the_handler_is_asked_when_a_repetition_is_not_enough(handle):
    assert handle(event({"acq": 3}, 300), again=lambda: False)
    assert handle(event({"acq": 3}, 301))
    assert not handle(event({"acq": 3}, 302))


def test_nothing_is_remembered_outside_of_an_event(events):
    events.remember("thermo1", lambda: True)
    assert not events.take(event({"acq": 3}, 300))


def test_other_messages_are_left_alone(events):
    assert not events.take(CBORSerializer().serialize(Event(1, 2))[0])
    assert not events.take(b"")
