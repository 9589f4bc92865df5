"""Publications of which often only the number changes: encoded once, and sent again."""

from struct import Struct
from typing import Any, Final

import cbor2

from ocsd.bus.wamp import CBORSerializer, Publish, WampRawSocketClientProtocol

_HEADER: Final = bytes((0x85, Publish.MESSAGE_TYPE))
"""The beginning of an encoded publication: an array of five, and the kind of message."""

_LENGTH: Final = Struct("!I")
"""The head of a message on a raw socket: its length [bytes]."""


class RepeatedPublication:
    """Publishes messages like ``[content, {…, "seq": number}]`` to a topic.

    They go through the router's link like any other publication, byte for byte.

    Parameters
    ----------
    session : object
        A session with `publish` and a `transport`, as an agent is.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._sent: tuple[str, list[Any]] | None = None
        self._after_request = b""

    def __call__(self, topic: str, message: list[Any], number: int) -> None:
        """Publish a message, which lacks its number; it must be another object if it has changed.

        Raises
        ------
        TransportLost
            If there is no connection to the router.
        """
        transport = self._session.transport
        if not isinstance(getattr(transport, "_serializer", None), CBORSerializer):
            content, info = message
            self._session.publish(topic, [content, {**info, "seq": number}])
            return
        if self._sent is None or self._sent[1] is not message or self._sent[0] != topic:
            self._sent = topic, message
            self._after_request = _after_request(topic, *message)
        request: int = self._session.link._request_id_gen.next()  # noqa: SLF001 - as autobahn does
        payload = _HEADER + cbor2.dumps(request) + self._after_request + cbor2.dumps(number)
        if _takes(transport, len(payload)):
            write_at_once(transport.transport, _LENGTH.pack(len(payload)) + payload)
        else:
            transport.send(_Encoded(payload))


def _takes(transport: Any, size_bytes: int) -> bool:
    """Return whether a transport is an open raw socket, whose other end takes so much at once."""
    is_raw = isinstance(transport, WampRawSocketClientProtocol) and transport.isOpen()
    return is_raw and size_bytes <= transport._max_len_send  # noqa: SLF001 - as autobahn does


class _Encoded:
    """Takes the place of a message of autobahn that is encoded already."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload

    def serialize(self, _serializer: object) -> bytes:
        """Return the message as it goes over the wire."""
        return self._payload


def write_at_once(transport: Any, data: bytes) -> None:
    """Write to a transport of Twisted, without a turn of the reactor if nothing waits there."""
    if transport.connected and not transport.disconnecting and not _waits(transport):
        written = transport.writeSomeData(data)
        # An error instead of a number: the reactor's own write meets and handles it.
        if isinstance(written, int) and written > 0:
            data = data[written:]
    if data:
        transport.write(data)


def _waits(transport: Any) -> bool:
    """Return whether data that were written before are still to be sent."""
    return len(transport.dataBuffer) > transport.offset or bool(transport._tempDataBuffer)  # noqa: SLF001 - Twisted tells nothing of it


def _after_request(topic: str, content: object, info: dict[str, Any]) -> bytes:
    """Return what stands between the number of the request and that of the message."""
    # Both numbers are 0, which is a single byte.
    message = [Publish.MESSAGE_TYPE, 0, {}, topic, [[content, {**info, "seq": 0}]]]
    encoded: bytes = cbor2.dumps(message)
    return encoded[len(_HEADER) + 1 : -1]
