"""Asking something on this machine, again and again, whether it still answers."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet import protocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

QUESTION_PERIOD_S: Final = 5.0
QUESTION_LIMIT_S: Final = 20.0
"""An answer may be late; until then no other question is put on top of it."""


class Asking:
    """Puts one question at a time; any answer is a good one.

    Parameters
    ----------
    connect : callable
        Takes a client factory and connects it, as the reactor's methods do.
    question : callable
        Returns what to say first; nothing for who speaks by itself.
    on_answer : callable
        Called without arguments when an answer has come.
    clock : IReactorTime
        The time.
    """

    def __init__(
        self,
        connect: Callable[[protocol.ClientFactory], Any],
        question: bytes,
        on_answer: Callable[[], None],
        clock: Any,
    ) -> None:
        self._connect = connect
        self._question = question
        self._on_answer = on_answer
        self._clock = clock
        self._connector: Any = None
        self._is_open = False
        self._asked_at_s = 0.0
        self._unanswered_since_s: float | None = None
        self._asking: Any = LoopingCall(self._ask)
        self._asking.clock = clock

    def start(self) -> None:
        """Ask from now on."""
        if not self._asking.running:
            self._asking.start(QUESTION_PERIOD_S)

    @property
    def waited_s(self) -> float:
        """For how long no question has been answered [s]."""
        since_s = self._unanswered_since_s
        return 0.0 if since_s is None else self._clock.seconds() - since_s

    def answered(self) -> None:
        """Take note of an answer."""
        self._unanswered_since_s = None
        self._on_answer()

    def over(self) -> None:
        """Take note that a question has its answer, was hung up on, or has met nobody."""
        self._is_open = False

    def _ask(self) -> None:
        now_s = self._clock.seconds()
        if self._is_open:
            if now_s - self._asked_at_s < QUESTION_LIMIT_S:
                return
            self._connector.disconnect()
        self._asked_at_s = now_s
        if self._unanswered_since_s is None:
            self._unanswered_since_s = now_s
        # Whether it is over may be known before there is something to disconnect.
        self._is_open = True
        self._connector = self._connect(_Question(self, self._question))


class _Question(protocol.ClientFactory):
    """One question to one who listens."""

    noisy = False

    def __init__(self, asking: Asking, question: bytes) -> None:
        self.asking = asking
        self.question = question

    def buildProtocol(self, addr: object) -> protocol.Protocol:
        return _Conversation(self)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self.asking.over()


class _Conversation(protocol.Protocol):
    def __init__(self, question: _Question) -> None:
        self._put = question
        self._is_answered = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(self._put.question)

    def dataReceived(self, data: bytes) -> None:
        if not self._is_answered:
            self._is_answered = True
            self._put.asking.answered()
            transport: Any = self.transport
            transport.abortConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self._put.asking.over()
