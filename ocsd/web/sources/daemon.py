"""The daemon's control API: requests over its Unix socket that never keep the page waiting."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, connectionDone
from twisted.protocols.basic import LineReceiver

from ocsd.errors import OcsdError
from ocsd.status.request import request_bytes
from ocsd.text.logins import without_logins
from ocsd.web.refusals import AwayError, LateError, RefusedByDaemonError

ANSWER_LIMIT_S: Final = 2.0
"""Time that the daemon has for a short answer."""
LONGEST_STATUS_BYTES: Final = 2**24

_HTTP_OK: Final = 200


class _Exchange(LineReceiver):
    """One request of HTTP/1.0, answered up to the end of the connection."""

    # Any: Twisted's interfaces are zope's, which mypy cannot match with classes.
    transport: Any
    delimiter = b"\n"
    MAX_LENGTH = LONGEST_STATUS_BYTES

    def __init__(
        self,
        reactor: Any,
        request: bytes,
        on_line: Callable[[bytes], None],
        limit_s: float,
        whole: bool,
    ) -> None:
        self._reactor = reactor
        self._request = request
        self._on_line = on_line
        self._limit_s = limit_s
        self._whole = whole
        self._in_head = True
        self._code = 0
        self._refused: list[bytes] = []
        self._timer: Any = None
        self.failure: OcsdError | None = None
        self.is_over = False
        self.done: Deferred[None] = Deferred(lambda _: self._abort())

    def connectionMade(self) -> None:
        if self.done.called:  # cancelled while it was being connected
            self._abort()
            return
        self._timer = self._reactor.callLater(self._limit_s, self._late)
        self.transport.write(self._request)

    def lineReceived(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        if self._in_head:
            if not self._code:
                words = line.split(maxsplit=2)
                self._code = int(words[1]) if len(words) > 1 and words[1].isdigit() else 500
            self._in_head = bool(line)
            if not self._in_head and not self._whole:
                self._quiet()
        elif self._code == _HTTP_OK:
            # The hub's address may have a password, which no viewer needs.
            self._on_line(without_logins(line.decode("utf-8", "replace")).encode())
        else:
            self._refused.append(line)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._quiet()
        self.is_over = True
        if self.done.called:
            return
        if self.failure is None and self._in_head:
            self.failure = AwayError("the daemon ended before it had answered")
        if self.failure is None and self._code != _HTTP_OK:
            self.failure = RefusedByDaemonError(_message(b"\n".join(self._refused)), self._code)
        if self.failure is not None:
            self.done.errback(self.failure)
        else:
            self.done.callback(None)

    def _quiet(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _late(self) -> None:
        self.failure = LateError(f"the daemon has not answered for {self._limit_s:g} s")
        self._abort()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()


class _Factory(ClientFactory):
    noisy = False

    def __init__(self, conversation: _Exchange, path: Path) -> None:
        self._conversation = conversation
        self._path = path

    def buildProtocol(self, _addr: Any) -> _Exchange:
        return self._conversation

    def clientConnectionFailed(self, _connector: Any, reason: Any) -> None:
        if self._conversation.done.called:  # cancelled while it was being connected
            return
        why = getattr(reason.value, "osError", None) or reason.getErrorMessage()
        self._conversation.done.errback(AwayError(f"no daemon listens at {self._path} ({why})"))


class DaemonLink:
    """The control API at a Unix socket."""

    def __init__(self, reactor: Any, path: Path) -> None:
        self._reactor = reactor
        self._path = path

    async def status(self) -> dict[str, Any]:
        """Return the daemon's status.

        Raises
        ------
        AwayError, RefusedByDaemonError
            If it does not answer, or refuses.
        """
        lines: list[bytes] = []
        await self.ask("/v1/status", lines.append, whole=True)
        answer = json.loads(b"\n".join(lines))
        return dict(answer)

    def ask(
        self,
        target: str,
        on_line: Callable[[bytes], None],
        body: Mapping[str, Any] | None = None,
        limit_s: float = ANSWER_LIMIT_S,
        whole: bool = False,
    ) -> "Deferred[None]":
        """Ask for a path; `on_line` takes each line of the answer.

        The Deferred fires when the answer is over; cancelled, it ends the conversation. The
        answer has to begin within `limit_s`, and may then last as long as it likes; with `whole`,
        it has to be over within that time.
        """
        request = request_bytes(target, body)
        conversation = _Exchange(self._reactor, request, on_line, limit_s, whole)
        factory = _Factory(conversation, self._path)
        self._reactor.connectUNIX(str(self._path), factory, timeout=limit_s)
        return conversation.done


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return "the daemon refuses this, and does not say why"
