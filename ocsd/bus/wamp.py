"""The one place that imports autobahn, for all of ocsd, and our two kinds of session.

autobahn ties a session to one transport. An agent outlives its transports: so
each connection gets a `RouterLink` of its own, and the agent (a
`RoutedSession`) passes what it wants to the link it has at that time. A reply
to a call that came over an earlier connection dies with that link, instead of
reaching the router under a request number that it does not know.
"""

import time
from collections.abc import Callable
from math import inf
from typing import Any, Protocol

import txaio
from twisted.internet.defer import CancelledError
from twisted.internet.protocol import connectionDone

txaio.use_twisted()

from ocsd.bus import patient_log
from ocsd.bus.caller import greeting, true_sender
from ocsd.bus.lean import lean_import
from ocsd.bus.repeats import RepeatedEvents
from ocsd.system.entrance import Credentials

patient_log.install()

with lean_import():
    from autobahn.exception import Disconnected, PayloadExceededError
    from autobahn.twisted.rawsocket import WampRawSocketClientFactory, WampRawSocketClientProtocol
    from autobahn.twisted.wamp import ApplicationSession
    from autobahn.twisted.websocket import WampWebSocketClientFactory, WampWebSocketClientProtocol
    from autobahn.wamp.exception import ApplicationError, SerializationError, TransportLost
    from autobahn.wamp.message import (
        Call,
        Cancel,
        Error,
        Event,
        Interrupt,
        Invocation,
        Publish,
        Result,
        Unregistered,
        Yield,
    )
    from autobahn.wamp.request import CallRequest
    from autobahn.wamp.serializer import CBORSerializer, JsonSerializer
    from autobahn.wamp.types import CloseDetails, ComponentConfig, RegisterOptions, SubscribeOptions
    from autobahn.websocket.util import parse_url

COMPLAINT_SHOWN_S = 60.0
"""Time for which a fault of a reply is shown [s]."""


class LinkOwner(Protocol):
    """The owner of a link, which gets its events."""

    def link_joined(self, link: "RouterLink") -> Any:
        """Handle that the realm has been joined."""

    def link_left(self, link: "RouterLink", reason: str, text: str) -> None:
        """Handle that the router has refused or ended the session."""

    def link_unregistered(self, link: "RouterLink") -> None:
        """Handle that the router has taken an address away."""


class _AlwaysAnswering:
    """A transport on which a reply that is too large becomes an error reply.

    autobahn does the same, but repeats the reply in the error, which is then too large as well:
    the caller would wait in vain.
    """

    log: Any
    _session: Any

    def send(self, msg: Any) -> None:
        """Send a message, or an error in place of a reply that is too large."""
        try:
            super().send(msg)  # type: ignore[misc] # the class beside this one has it
        except PayloadExceededError as error:
            if not isinstance(msg, (Yield, Error)):
                raise
            fault = f"the reply is too large: {error}"
            kind, uri = Invocation.MESSAGE_TYPE, ApplicationError.PAYLOAD_SIZE_EXCEEDED
            super().send(Error(kind, msg.request, uri, args=[fault]))  # type: ignore[misc] # see above
            note = getattr(self._session, "reply_was_too_large", None)
            if note is not None:
                note(fault)


class QuietRawSocketProtocol(_AlwaysAnswering, WampRawSocketClientProtocol):  # type: ignore[misc] # autobahn is untyped
    """A transport of which only the owner logs troubles, once."""

    log = txaio.make_logger(level="critical")

    def stringReceived(self, payload: bytes) -> None:
        """Take a message, unless it is one that is known but for its numbers."""
        own_calls = getattr(self._session, "own_calls", None)
        if own_calls is not None and own_calls.take(payload):
            return
        repeats = getattr(self._session, "repeats", None)
        if repeats is None:
            super().stringReceived(payload)
        elif not repeats.take(payload):
            super().stringReceived(payload)
            repeats.done()


class QuietWebSocketProtocol(_AlwaysAnswering, WampWebSocketClientProtocol):  # type: ignore[misc] # autobahn is untyped
    """A transport of which only the owner logs troubles, once."""

    log = txaio.make_logger(level="critical")
    tls_fault: str | None = None
    """The fault of the router's certificate (`ocsd.bus.encryption`)."""

    def connectionLost(self, reason: Any = connectionDone) -> None:
        """End; autobahn tells the end before it tells why."""
        if self.tls_fault is not None:
            self.wasNotCleanReason = self.tls_fault
        elif type(reason.value).__module__ == "OpenSSL.SSL":
            self.wasNotCleanReason = "there is no TLS at this address; use ws:// in its place"
        super().connectionLost(reason)


class LoggedInSession(ApplicationSession):  # type: ignore[misc] # autobahn is untyped
    """A session that logs in if it has credentials (`ocsd.bus.endpoint.connect` gives them)."""

    credentials: Credentials | None = None
    name = ""
    """The program's name for agents; by default the script's."""

    def onConnect(self) -> None:
        """Join the realm, and tell agents who it is that calls them."""
        login: dict[str, Any] = {}
        if self.credentials is not None:
            login = {"authmethods": ["ticket"], "authid": self.credentials.authid}
        self.join(self.config.realm, authextra=greeting(self.name), **login)

    def onChallenge(self, challenge: Any) -> str:
        """Show the proof, because the router has asked for it."""
        if self.credentials is None or challenge.method != "ticket":
            raise RuntimeError(f"the router asks for a login of the kind {challenge.method!r}")
        return self.credentials.secret


class RouterLink(LoggedInSession):
    """A WAMP session over one transport; agents are told the owner's `name` when it calls."""

    def __init__(self, realm: str, owner: LinkOwner, name: str = "") -> None:
        super().__init__(ComponentConfig(realm))
        self._owner = owner
        self.name = name
        self.repeats = RepeatedEvents()
        self.own_calls: Any = None
        """Calls to the program itself (`ocsd.bus.own_calls`)."""
        self._large_reply = ("", -inf)

    def onJoin(self, details: Any) -> Any:
        """Hand the event to the owner."""
        return self._owner.link_joined(self)

    def onLeave(self, details: Any) -> None:
        """Fail all outstanding requests; the owner closes the transport."""
        # Whatever ended the session, its requests were not answered.
        self._errback_outstanding_requests(TransportLost(f"the session ended: {details.reason}"))
        self._owner.link_left(self, details.reason, details.message or "")

    def onUserError(self, fail: Any, msg: str) -> None:
        """Log the error of an endpoint, but not that a caller lost patience."""
        if not isinstance(fail.value, CancelledError):
            super().onUserError(fail, msg)

    def reply_was_too_large(self, fault: str) -> None:
        """Log and remember that a caller got an error in place of a reply."""
        self._large_reply = (fault, time.monotonic())
        self.log.error("a caller got an error, because {fault}", fault=fault)

    def complaint(self, now_s: float) -> str:
        """Return what was wrong with replies lately, at a time [s, monotonic]; or nothing."""
        fault, at_s = self._large_reply
        return fault if now_s - at_s < COMPLAINT_SHOWN_S else ""

    def onMessage(self, msg: Any) -> None:
        """Name the true sender, and watch for the router taking an address away.

        autobahn tells its endpoints the sender that a message claims, and only logs that an
        address is taken away.
        """
        if isinstance(msg, (Invocation, Event)) and msg.forward_for:
            _name_true_sender(msg)
        super().onMessage(msg)
        if type(msg).__name__ == "Unregistered" and msg.request == 0:
            self._owner.link_unregistered(self)


def _name_true_sender(msg: Invocation | Event) -> None:
    sender = true_sender(msg.forward_for)
    part = "caller"
    if isinstance(msg, Event):
        part = "publisher"
    # There are no setters: autobahn's messages are not made to be changed.
    setattr(msg, f"_{part}", sender.get("session"))
    setattr(msg, f"_{part}_authid", sender.get("authid"))
    setattr(msg, f"_{part}_authrole", sender.get("authrole"))


class RoutedSession(ApplicationSession):  # type: ignore[misc] # autobahn is untyped
    """A WAMP session that outlives its connections to the router.

    Methods that need the router raise TransportLost while there is none. Subscribing
    and registering are left to the agent, whose requests outlive the link.
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
        return getattr(self._link, "transport", None)

    @property
    def session_details(self) -> Any:
        """The router's description of the present session, or None."""
        return getattr(self._link, "session_details", None)

    @property
    def session_id(self) -> int | None:
        """The router's number of the present session, or None."""
        return getattr(self._link, "session_id", None)

    def is_connected(self) -> bool:
        """Return whether there is a transport."""
        return self._link is not None and bool(self._link.is_connected())

    def is_attached(self) -> bool:
        """Return whether a realm is joined."""
        return self._link is not None and bool(self._link.is_attached())

    def if_repeated(self, sender: str, again: Callable[[], bool]) -> None:
        """Call `again` when the event that is being handled comes again (`RepeatedEvents`)."""
        if self._link is not None:
            self._link.repeats.remember(sender, again)

    def publish(self, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Publish to a topic."""
        return self.link.publish(topic, *args, **kwargs)

    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure."""
        return self.link.call(procedure, *args, **kwargs)

    def leave(self, reason: str | None = None, message: str | None = None) -> Any:
        """Say goodbye to the router; a new connection is made afterwards."""
        return self._link and self._link.leave(reason, message)

    def disconnect(self) -> None:
        """Close the present transport; a new connection is made afterwards."""
        if self._link:
            self._link.disconnect()
