"""Asks a server on this machine, again and again, whether it still answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet import protocol
from twisted.python.failure import Failure

from ocsd.daemon.instances.ports import Clock
from ocsd.reactor.repeating import repeating

QUESTION_PERIOD_S: Final = 5.0
QUESTION_LIMIT_S: Final = 20.0
"""Time limit of one question [s]; until then no other question is asked."""


@dataclass(eq=False)
class Asking:
    """Asks one question at a time; any answer will do."""

    connect: Callable[[protocol.ClientFactory], Any]
    """Connects a client factory, as the reactor's methods do."""
    question: bytes
    """The first bytes to send; empty for a server that speaks first."""
    on_answer: Callable[[], None]
    """Called when an answer has come."""
    clock: Clock

    def __post_init__(self) -> None:
        self._connector: Any = None
        self._is_open = False
        self._asked_at_s = 0.0
        self._unanswered_since_s: float | None = None
        self._asking = repeating(self._ask, self.clock)

    def start(self) -> None:
        """Ask from now on."""
        if not self._asking.running:
            self._asking.start(QUESTION_PERIOD_S)

    @property
    def waited_s(self) -> float:
        """The time for which no question has been answered [s]."""
        if self._unanswered_since_s is None:
            return 0.0
        return self.clock.seconds() - self._unanswered_since_s

    def answered(self) -> None:
        """Begin to wait afresh, because an answer has come."""
        self._unanswered_since_s = None
        self.on_answer()

    def over(self) -> None:
        """Allow the next question: this one is answered, or its connection ended or failed."""
        self._is_open = False

    def _ask(self) -> None:
        now_s = self.clock.seconds()
        if self._is_open:
            if now_s - self._asked_at_s < QUESTION_LIMIT_S:
                return
            self._connector.disconnect()
        self._asked_at_s = now_s
        if self._unanswered_since_s is None:
            self._unanswered_since_s = now_s
        # A connection may fail before `connect` returns, so this comes first.
        self._is_open = True
        self._connector = self.connect(_Question(self, self.question))


class _Question(protocol.ClientFactory):
    """One question, on a connection of its own."""

    noisy = False

    def __init__(self, asking: Asking, question: bytes) -> None:
        self.asking = asking
        self.question = question

    def buildProtocol(self, addr: object) -> protocol.Protocol:
        return _Conversation(self)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self.asking.over()


class _Conversation(protocol.Protocol):
    transport: Any

    def __init__(self, question: _Question) -> None:
        self._question = question
        self._is_answered = False

    def connectionMade(self) -> None:
        self.transport.write(self._question.question)

    def dataReceived(self, data: bytes) -> None:
        if not self._is_answered:
            self._is_answered = True
            self._question.asking.answered()
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self._question.asking.over()
