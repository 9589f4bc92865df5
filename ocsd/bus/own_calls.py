"""Calls of a program to itself, with one question again and again: hardly decoded or encoded.

The router carries them like any other call. Only messages are handled here that are byte for byte
those of an earlier call, but for their numbers. autobahn handles all others, and the failures.
"""

from typing import Any, Final

import cbor2
from twisted.internet.defer import Deferred

from ocsd.bus.repeated import encoded_number, framed, write_at_once
from ocsd.bus.repeats import number_end
from ocsd.bus.wamp import (
    Call,
    CallRequest,
    CBORSerializer,
    Invocation,
    Result,
    RouterLink,
    Yield,
)


def _head(kind: int, parts: int) -> bytes:
    """Return the beginning of a message in CBOR: an array with so many parts, and its kind."""
    return bytes((0x80 + parts,)) + encoded_number(kind)


_CALL: Final = _head(Call.MESSAGE_TYPE, 5)
_INVOCATION: Final = _head(Invocation.MESSAGE_TYPE, 5)
_YIELD: Final = _head(Yield.MESSAGE_TYPE, 4)
_RESULT: Final = _head(Result.MESSAGE_TYPE, 4)
_NO_OPTIONS: Final = cbor2.dumps({})


class OwnCalls:
    """Such calls over one link.

    Parameters
    ----------
    link : RouterLink
        The link, which hands over each message that comes on a raw socket (`take`).
    procedure, question : str
        What is called, and the argument.
    answer : object
        What the procedure returns then, whoever calls.
    """

    def __init__(self, link: RouterLink, procedure: str, question: str, answer: object) -> None:
        self._link = link
        self._procedure = procedure
        self._asked = cbor2.dumps([question])
        self._call = _NO_OPTIONS + cbor2.dumps(procedure) + self._asked
        self._answer = answer
        self._reply = _NO_OPTIONS + cbor2.dumps([answer])
        self._invocation = b""
        """The latest invocation by this link itself, but for its number."""

    def make(self) -> "Deferred[Any]":
        """Call; as `RouterLink.call`.

        Raises
        ------
        TransportLost
            If there is no connection to the router.
        """
        link, raw = self._link, self._link.transport
        # The first one goes the usual way, and shows how the router passes it on.
        if not self._invocation or raw is None or not raw.isOpen():
            return link.call(self._procedure, *cbor2.loads(self._asked))  # type: ignore[no-any-return]
        request = link._request_id_gen.next()  # noqa: SLF001 - as autobahn does
        called: Deferred[Any] = Deferred()
        link._call_reqs[request] = CallRequest(request, self._procedure, called, None)  # noqa: SLF001
        self._send(_CALL + encoded_number(request) + self._call)
        return called

    def take(self, payload: bytes) -> bool:
        """Handle a message; return False if autobahn has to."""
        if payload.startswith(_INVOCATION):
            end = number_end(payload, len(_INVOCATION))
            if payload[end:] == self._invocation:
                self._send(_YIELD + payload[len(_INVOCATION) : end] + self._reply)
                return True
            if payload.endswith(self._asked):
                self._learn(payload, end)
        elif payload.startswith(_RESULT):
            end = number_end(payload, len(_RESULT))
            if payload[end:] == self._reply:
                return self._heard(cbor2.loads(payload[len(_RESULT) : end]))
        return False

    def _learn(self, payload: bytes, end: int) -> None:
        """Remember an invocation if it says that it is by this link itself."""
        _, _, registration, details, _ = cbor2.loads(payload)
        called = self._link._registrations.get(registration)  # noqa: SLF001
        is_ours = getattr(called, "procedure", "") == self._procedure
        # A router that does not disclose callers says nothing, and nothing is learned.
        if is_ours and details.get("caller") == self._link.session_id:
            self._invocation = payload[end:]

    def _heard(self, request: int) -> bool:
        waiting = self._link._call_reqs.get(request)  # noqa: SLF001
        # Others may have been called, with the same answer.
        if waiting is None or waiting.procedure != self._procedure or waiting.options:
            return False
        del self._link._call_reqs[request]  # noqa: SLF001
        waiting.on_reply.callback(self._answer)
        return True

    def _send(self, payload: bytes) -> None:
        write_at_once(self._link.transport.transport, framed(payload))


def are_possible(link: Any) -> bool:
    """Return whether a link is over a raw socket with CBOR."""
    transport = getattr(link, "transport", None)
    return hasattr(transport, "stringReceived") and isinstance(
        getattr(transport, "_serializer", None), CBORSerializer
    )
