"""One request to a Unix socket and its whole answer, which nobody waits for longer than a limit."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone

from ocsd.errors import OcsdError, UnreachableError

LONGEST_ANSWER_BYTES = 2**24


class _UnixConversation(Protocol):
    # Any: Twisted's interfaces are zope's, which mypy cannot match with classes.
    transport: Any

    def __init__(self, reactor: Any, request: bytes, limit_s: float) -> None:
        self._request = request
        self._limit_s = limit_s
        self._parts: list[bytes] = []
        self._length = 0
        self._failure: OcsdError | None = None
        self.done: Deferred[bytes] = Deferred()
        self.timer = reactor.callLater(limit_s, self._late)

    def connectionMade(self) -> None:
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data)
        self._length += len(data)
        if self._length > LONGEST_ANSWER_BYTES:
            self._give_up(f"the answer is longer than {LONGEST_ANSWER_BYTES} bytes")

    def connectionLost(self, reason: Any = connectionDone) -> None:
        if self.timer.active():
            self.timer.cancel()
        if self._failure is not None:
            self.done.errback(self._failure)
        elif not self._parts:
            self.done.errback(UnreachableError("it ended before it had answered"))
        else:
            self.done.callback(b"".join(self._parts))

    def _late(self) -> None:
        self._give_up(f"it has not answered for {self._limit_s:g} s")

    def _give_up(self, why: str) -> None:
        self._failure = UnreachableError(why)
        if self.transport is not None:
            self.transport.abortConnection()


class _Connecting(ClientFactory):
    noisy = False

    def __init__(self, conversation: _UnixConversation) -> None:
        self._conversation = conversation

    def buildProtocol(self, _addr: Any) -> _UnixConversation:
        return self._conversation

    def clientConnectionFailed(self, _connector: Any, reason: Any) -> None:
        if self._conversation.timer.active():
            self._conversation.timer.cancel()
        why = getattr(reason.value, "osError", None) or reason.getErrorMessage()
        self._conversation.done.errback(UnreachableError(f"nothing listens there ({why})"))


def exchange(reactor: Any, path: Path, request: bytes, limit_s: float) -> "Deferred[bytes]":
    """Send a request to the Unix socket at a path; the Deferred fires with the whole answer.

    It fails with an UnreachableError if nothing listens there, or the answer is not there within
    `limit_s` [s].
    """
    conversation = _UnixConversation(reactor, request, limit_s)
    reactor.connectUNIX(str(path), _Connecting(conversation), timeout=limit_s)
    return conversation.done
