"""Publications of which often only the number changes: encoded once, and sent again."""

from typing import Any

import cbor2
from autobahn.wamp.message import Publish
from autobahn.wamp.serializer import CBORSerializer

_HEADER_BYTES = 2
"""The beginning of an encoded publication: an array of five, and the kind of message."""


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
        self._sent: tuple[str, object, dict[str, Any]] | None = None
        self._after_request = b""

    def __call__(self, topic: str, message: list[Any]) -> None:
        """Publish a message.

        Raises
        ------
        TransportLost
            If there is no connection to the router.
        """
        transport = self._session.transport
        if not isinstance(getattr(transport, "_serializer", None), CBORSerializer):
            self._session.publish(topic, message)
            return
        content, info = message
        seq = info.pop("seq")
        if self._sent != (topic, content, info):
            self._sent = topic, content, info
            self._after_request = _after_request(topic, content, info)
        request: int = self._session.link._request_id_gen.next()  # noqa: SLF001 - as autobahn does
        transport.send(_EncodedHeartbeat(request, self._after_request, seq))


class _EncodedHeartbeat:
    """Takes the place of a message of autobahn that is encoded already."""

    def __init__(self, request: int, after_request: bytes, seq: int) -> None:
        self.request = request
        self._after_request = after_request
        self._seq = seq

    def serialize(self, _serializer: object) -> bytes:
        """Return the message as it goes over the wire."""
        header = bytes((0x85, Publish.MESSAGE_TYPE))
        return header + cbor2.dumps(self.request) + self._after_request + cbor2.dumps(self._seq)


def _after_request(topic: str, content: object, info: dict[str, Any]) -> bytes:
    """Return what stands between the number of the request and that of the message."""
    # Both numbers are 0, which is a single byte.
    message = [Publish.MESSAGE_TYPE, 0, {}, topic, [[content, {**info, "seq": 0}]]]
    encoded: bytes = cbor2.dumps(message)
    return encoded[_HEADER_BYTES + 1 : -1]
