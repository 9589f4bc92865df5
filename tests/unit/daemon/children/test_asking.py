"""Asking again and again whether something answers."""

import pytest
from twisted.internet.testing import StringTransport

from ocsd.daemon.children.asking import QUESTION_LIMIT_S, QUESTION_PERIOD_S, Asking
from tests.unit.daemon.timers import cancel_timers


class Listener:
    """One who takes questions and answers when a test says so."""

    def __init__(self, clock):
        self.questions = []
        self.answers = 0
        self.hung_up = 0
        self.is_there = True
        self.asking = Asking(self._connect, b"well?", self._answered, clock)
        self.asking.start()

    def _connect(self, factory):
        if not self.is_there:
            factory.clientConnectionFailed(None, None)
            return self
        self.talk = factory.buildProtocol(None)
        self.transport = StringTransport()
        self.transport.abortConnection = self.talk.connectionLost
        self.talk.makeConnection(self.transport)
        self.questions.append(self.transport.value())
        return self

    def disconnect(self):
        self.hung_up += 1

    def _answered(self):
        self.answers += 1

    def answer(self):
        self.talk.dataReceived(b"very ")
        self.talk.dataReceived(b"well")


@pytest.fixture
def listener(clock):
    listener = Listener(clock)
    yield listener
    cancel_timers(clock)


def test_a_question_is_put_every_few_seconds_and_each_answer_counts_once(listener, clock):
    listener.answer()
    clock.advance(QUESTION_PERIOD_S)
    listener.answer()
    assert listener.questions == [b"well?"] * 2
    assert listener.answers == 2
    assert listener.asking.waited_s == 0


def test_an_answer_may_be_late(listener, clock):
    for _ in range(3):
        clock.advance(QUESTION_PERIOD_S)
    assert len(listener.questions) == 1
    assert listener.asking.waited_s == 3 * QUESTION_PERIOD_S
    listener.answer()
    assert (listener.answers, listener.asking.waited_s) == (1, 0)


def test_a_question_that_is_never_answered_is_put_again(listener, clock):
    for _ in range(int(QUESTION_LIMIT_S / QUESTION_PERIOD_S)):
        clock.advance(QUESTION_PERIOD_S)
    assert (len(listener.questions), listener.hung_up) == (2, 1)
    assert listener.asking.waited_s == QUESTION_LIMIT_S


def test_one_who_is_not_there_gives_no_answer_and_is_asked_again(listener, clock):
    listener.is_there = False
    listener.answer()
    clock.advance(QUESTION_PERIOD_S)
    clock.advance(QUESTION_PERIOD_S - 1)
    assert listener.asking.waited_s == QUESTION_PERIOD_S - 1
    listener.is_there = True
    clock.advance(1)
    assert len(listener.questions) == 2
    listener.answer()
    assert listener.asking.waited_s == 0
