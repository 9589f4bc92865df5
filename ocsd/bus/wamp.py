"""The one place that imports autobahn first, and our two kinds of session.

autobahn ties a session to one transport. An agent outlives its transports: so
each connection gets a `RouterLink` of its own, and the agent (a
`RoutedSession`) passes what it wants to the link it has at that time. A reply
to a call that came over an earlier connection dies with that link, instead of
reaching the router under a request number that it does not know.
"""

import sys
from typing import Any, Protocol

# Serialisers that autobahn imports where it finds them, and that nobody uses
# here: crossbar's dependency bjdata prints a traceback about numpy's ABI, and
# flatbuffers loads numpy, which takes a tenth of a second.
_UNWANTED = ("bjdata", "autobahn.flatbuffers")
for _name in _UNWANTED:
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type] # None forbids the import

import txaio
from twisted.internet.defer import CancelledError

txaio.use_twisted()

from autobahn.exception import Disconnected, PayloadExceededError
from autobahn.twisted.rawsocket import (
    WampRawSocketClientFactory,
    WampRawSocketClientProtocol,
)
from autobahn.twisted.wamp import ApplicationSession
from autobahn.twisted.websocket import (
    WampWebSocketClientFactory,
    WampWebSocketClientProtocol,
)
from autobahn.wamp.exception import ApplicationError, SerializationError, TransportLost
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer
from autobahn.wamp.types import (
    CloseDetails,
    ComponentConfig,
    RegisterOptions,
    SubscribeOptions,
)
from autobahn.websocket.util import parse_url

# From here on they are as absent as anything that was never imported.
for _name in _UNWANTED:
    if sys.modules[_name] is None:
        del sys.modules[_name]

__all__ = [
    "ApplicationError",
    "ApplicationSession",
    "CBORSerializer",
    "CloseDetails",
    "ComponentConfig",
    "Disconnected",
    "JsonSerializer",
    "LinkOwner",
    "PayloadExceededError",
    "QuietRawSocketProtocol",
    "QuietWebSocketProtocol",
    "RegisterOptions",
    "RoutedSession",
    "RouterLink",
    "SerializationError",
    "SubscribeOptions",
    "TransportLost",
    "WampRawSocketClientFactory",
    "WampWebSocketClientFactory",
    "parse_url",
    "txaio",
]


class LinkOwner(Protocol):
    """Who wants to know what becomes of a link."""

    def link_joined(self, link: "RouterLink") -> Any:
        """Note that the realm has been joined."""

    def link_left(self, link: "RouterLink", reason: str, text: str) -> None:
        """Note that the router refused or ended the session."""

    def link_unregistered(self, link: "RouterLink") -> None:
        """Note that the router has taken an address away."""


class QuietRawSocketProtocol(WampRawSocketClientProtocol):  # type: ignore[misc] # autobahn is untyped
    """A transport whose troubles are logged by its owner, once."""

    log = txaio.make_logger(level="critical")


class QuietWebSocketProtocol(WampWebSocketClientProtocol):  # type: ignore[misc] # autobahn is untyped
    """A transport whose troubles are logged by its owner, once."""

    log = txaio.make_logger(level="critical")


class RouterLink(ApplicationSession):  # type: ignore[misc] # autobahn is untyped
    """A WAMP session over one transport."""

    def __init__(self, realm: str, owner: LinkOwner) -> None:
        super().__init__(ComponentConfig(realm))
        self._owner = owner

    def onJoin(self, details: Any) -> Any:
        """Tell the owner."""
        return self._owner.link_joined(self)

    def onLeave(self, details: Any) -> None:
        """Fail what is outstanding and tell the owner, who closes the transport."""
        # Whatever ended the session, what was asked of it was not answered.
        self._errback_outstanding_requests(TransportLost(f"the session ended: {details.reason}"))
        self._owner.link_left(self, details.reason, details.message or "")

    def onUserError(self, fail: Any, msg: str) -> None:
        """Log what an endpoint raised, but not that a caller lost patience."""
        if not isinstance(fail.value, CancelledError):
            super().onUserError(fail, msg)

    def onMessage(self, msg: Any) -> None:
        """Watch for the router taking an address away; autobahn only logs it."""
        super().onMessage(msg)
        if type(msg).__name__ == "Unregistered" and msg.request == 0:
            self._owner.link_unregistered(self)


class RoutedSession(ApplicationSession):  # type: ignore[misc] # autobahn is untyped
    """A WAMP session that outlives its connections to the router.

    What needs the router raises TransportLost while there is none. To subscribe and
    to register is left to the agent, whose requests outlive the link.
    """

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._link: RouterLink | None = None

    @property
    def link(self) -> RouterLink:
        """The present connection.

        Raises
        ------
        TransportLost
            If there is none.
        """
        if self._link is None:
            raise TransportLost("not connected to the router")
        return self._link

    @property
    def transport(self) -> Any:
        """The present transport, or None."""
        return self._link.transport if self._link else None

    @property
    def session_details(self) -> Any:
        """The router's description of the present session, or None."""
        return self._link.session_details if self._link else None

    @property
    def session_id(self) -> int | None:
        """The router's number of the present session, or None."""
        return self._link.session_id if self._link else None

    def is_connected(self) -> bool:
        """Tell whether there is a transport."""
        return self._link is not None and bool(self._link.is_connected())

    def is_attached(self) -> bool:
        """Tell whether a realm is joined."""
        return self._link is not None and bool(self._link.is_attached())

    def publish(self, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Publish to a topic."""
        return self.link.publish(topic, *args, **kwargs)

    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure."""
        return self.link.call(procedure, *args, **kwargs)

    def leave(self, reason: str | None = None, message: str | None = None) -> Any:
        """Say goodbye to the router; a new connection is made afterwards."""
        return self._link.leave(reason, message) if self._link else None

    def disconnect(self) -> None:
        """Close the present transport; a new connection is made afterwards."""
        if self._link:
            self._link.disconnect()
