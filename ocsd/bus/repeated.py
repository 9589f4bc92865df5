"""Publications of which often only the number changes: encoded once, and sent again."""

from struct import Struct
from typing import Any, Final

import cbor2

from ocsd.bus.wamp import CBORSerializer, Publish, WampRawSocketClientProtocol

_HEADER: Final = bytes((0x85, Publish.MESSAGE_TYPE))
"""The beginning of an encoded publication: an array of five, and the kind of message."""

_LENGTH: Final = Struct("!I")
"""The head of a message on a raw socket: its length [bytes]."""

_USUAL_NUMBER: Final = Struct("!BH")
_USUAL_NUMBERS: Final = range(1 << 8, 1 << 16)
"""Numbers of two bytes in CBOR: those of an agent from its fifth minute on, for most of a day."""

_FIRST_LONG_NUMBER: Final = 24
"""The first number that has bytes of its own in CBOR."""

_LONGER_NUMBERS_BYTES: Final = 16
"""The numbers of later messages are longer, by so much at most [bytes]."""


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
        self._link: Any = None
        """The link over whose raw socket the last one went at once."""
        self._raw: Any = None
        """The protocol of this socket."""

    def __call__(self, topic: str, message: list[Any], number: int) -> None:
        """Publish a message, which lacks its number; it must be another object if it has changed.

        Raises
        ------
        TransportLost
            If there is no connection to the router.
        """
        link = self._session.link
        is_same = self._sent is not None and self._sent[1] is message and self._sent[0] == topic
        if is_same and link is self._link and self._raw.isOpen():
            # By far the most: each function more that is called has to be fetched into the caches.
            write_at_once(self._raw.transport, framed(self._payload(link, number)))
            return
        self._link = None
        transport = self._session.transport
        if not isinstance(getattr(transport, "_serializer", None), CBORSerializer):
            content, info = message
            self._session.publish(topic, [content, {**info, "seq": number}])
            return
        if not is_same:
            self._sent = topic, message
            self._after_request = _after_request(topic, *message)
        payload = self._payload(link, number)
        if _takes(transport, len(payload) + _LONGER_NUMBERS_BYTES):
            self._link, self._raw = link, transport
            write_at_once(transport.transport, framed(payload))
        else:
            transport.send(_Encoded(payload))

    def _payload(self, link: Any, number: int) -> bytes:
        request: int = link._request_id_gen.next()  # noqa: SLF001 - as autobahn does
        return _HEADER + encoded_number(request) + self._after_request + encoded_number(number)


def encoded_number(number: int) -> bytes:
    """Return a number from 0 on as CBOR has it (RFC 8949, section 3)."""
    if number in _USUAL_NUMBERS:
        return _USUAL_NUMBER.pack(_FIRST_LONG_NUMBER + 1, number)
    if number < _FIRST_LONG_NUMBER:
        return bytes((number,))
    size = (number.bit_length() + 7) // 8
    kind = (size - 1).bit_length()
    return bytes((_FIRST_LONG_NUMBER + kind,)) + number.to_bytes(1 << kind, "big")


def framed(payload: bytes) -> bytes:
    """Return a message as it goes over a raw socket."""
    return _LENGTH.pack(len(payload)) + payload


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
    """Write to a Unix socket of Twisted, without a turn of the reactor if nothing waits there."""
    # Whether data that were written before are still to be sent: Twisted tells nothing of it.
    waits = len(transport.dataBuffer) > transport.offset or transport._tempDataBuffer  # noqa: SLF001
    if transport.connected and not transport.disconnecting and not waits:
        # Not by the transport's `writeSomeData`, which calls five functions for it.
        try:  # noqa: SIM105 - suppress() calls three, every second
            data = data[transport.socket.send(data) :]
        except OSError:
            # It takes nothing now, or has ended: the reactor's own write meets and handles that.
            pass
    if data:
        transport.write(data)


def _after_request(topic: str, content: object, info: dict[str, Any]) -> bytes:
    """Return what stands between the number of the request and that of the message."""
    # Both numbers are 0, which is a single byte.
    message = [Publish.MESSAGE_TYPE, 0, {}, topic, [[content, {**info, "seq": 0}]]]
    encoded: bytes = cbor2.dumps(message)
    return encoded[len(_HEADER) + 1 : -1]
