"""What a feed viewer says while something is missing."""

import pytest

from ocsd.web.feedview.feed_state import FeedState

NEW = FeedState("fake-data1", "temps", "ws://localhost:8001/ws")
JOINED = NEW.joined()


@pytest.mark.parametrize(
    ("watch", "words"),
    [
        (NEW, "the router at ws://localhost:8001/ws is away: it has not answered yet"),
        (NEW.lost("it does not answer"), "is away: it does not answer; it is tried again"),
        (JOINED, "no message of fake-data1.temps has come yet"),
        (
            JOINED.unanswered("wamp.error.no_such_procedure"),
            "agent 'fake-data1' is not connected to the router; it is waited for",
        ),
        (JOINED.unanswered("wamp.error.canceled"), "agent 'fake-data1' does not answer (wamp"),
        (
            JOINED.answered(["heartbeat", "temp"]),
            "agent 'fake-data1' has no feed 'temps' yet; did you mean 'temp'?",
        ),
        (JOINED.answered(["temps"]), "no message of fake-data1.temps has come yet"),
        (JOINED.heard(70.0), "no message of fake-data1.temps has come for 30 s"),
    ],
)
def test_it_says_what_is_missing(watch, words):
    assert words in watch.words(100.0)


def test_it_says_nothing_while_messages_come():
    watch = JOINED.unanswered("wamp.error.no_such_procedure").heard(100.0)
    assert watch.words(101.0) == ""
    assert not watch.is_silent(101.0)


def test_an_agent_is_asked_only_over_a_connection_and_when_it_is_silent():
    assert not NEW.is_silent(100.0)
    assert JOINED.is_silent(100.0)
    assert JOINED.heard(100.0).is_silent(120.0)
