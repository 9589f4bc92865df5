"""A session of the bridge at one router, and its connection, which is made again for ever.

Events, calls and answers go past autobahn's handlers, message by message: so they arrive at the
other side as they are, with whatever names their keyword arguments have.
"""

import random
from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ocsd.bus.backoff import LONGEST_LOCAL_RETRY_DELAY_S, LONGEST_RETRY_DELAY_S, retry_delay_s
from ocsd.bus.connector import RouterConnector
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.reconnection import LinkEvent, Reconnection
from ocsd.bus.wamp import (
    ApplicationError,
    Call,
    Cancel,
    ComponentConfig,
    Disconnected,
    Error,
    Event,
    Interrupt,
    Invocation,
    LoggedInSession,
    PayloadExceededError,
    Publish,
    Result,
    TransportLost,
    Unregistered,
    Yield,
)
from ocsd.reactor.threads import the_reactor

BRIDGE_JOIN_LIMIT_S: Final = 15.0
"""Time from an open transport to a joined realm [s]."""
SILENCE_ENDS_LINK_S: Final = 10.0
"""Time in which a router answers a call of its own, or sends anything else [s]; a link on which
nothing comes for longer is dropped.
"""
MOST_CALLS: Final = 10_000
"""Calls that wait for an answer of one router."""
LINK_LOST: Final = "bridge.error.link_lost"
"""Error of a call whose answer got lost with the link between the routers."""
ROUTER_AWAY: Final = "bridge.error.router_away"
"""Error of a call for an agent at the other side while there is no link to it."""
TOO_LARGE: Final = "wamp.error.payload_size_exceeded"
NO_SUCH_PROCEDURE: Final = "wamp.error.no_such_procedure"
PROBE: Final = "wamp.session.count"
"""The procedure by which a router proves that it works; that it refuses it is an answer as well."""


_ANSWERS: Final = (Result, Error)


class SideOfLink(Protocol):
    """The side of the bridge to which a link belongs."""

    def joined(self, link: "BridgeLink") -> None:
        """Use a link that has joined."""

    def lost(self, link: "BridgeLink") -> None:
        """Use a link no more."""

    def heard(self, link: "BridgeLink", event: Event) -> None:
        """Take an event of a subscription in `BridgeLink.topics`."""

    def called(self, link: "BridgeLink", invocation: Invocation) -> None:
        """Take a call of a registration in `BridgeLink.procedures`."""

    def taken_away(self, number: int) -> None:
        """Note that the router has taken a registration away."""

    def changed(self) -> None:
        """Report that the connection has changed."""


class BridgeLink(LoggedInSession):
    """A session at a router, over one transport."""

    def __init__(self, realm: str, connector: "BridgeConnector", name: str) -> None:
        super().__init__(ComponentConfig(realm))
        self._connector = connector
        self._side = connector.side
        self.name = name
        self.number = 0
        """The session's number at the router; 0 before it has joined."""
        self.topics: dict[int, str] = {}
        """The subscriptions whose events go over, by their numbers."""
        self.procedures: dict[int, str] = {}
        """The registrations whose calls go over, by their numbers."""
        self.size_bytes = 0
        """Size of the message that came last [bytes]."""
        self._heard_s = 0.0
        self._calls: dict[int, tuple[BridgeLink, int] | None] = {}
        """Calls that this router has to answer: over which link they came, and under which number;
        None if nobody waits any more."""
        self._asked: dict[int, tuple[BridgeLink, int]] = {}
        """Calls of this router that the other one has to answer."""

    # What autobahn calls

    def onOpen(self, transport: Any) -> None:
        """Measure each message that comes, and note when it does."""
        name = "stringReceived" if hasattr(transport, "stringReceived") else "onMessage"
        receive: Callable[..., None] = getattr(transport, name)
        now = the_reactor().seconds

        def measured(payload: bytes, *more: Any) -> None:
            self.size_bytes, self._heard_s = len(payload), now()
            receive(payload, *more)

        setattr(transport, name, measured)
        super().onOpen(transport)

    def onJoin(self, details: Any) -> None:
        """Hand the event on."""
        self.number = details.session
        self._connector.link_joined(self)

    def onLeave(self, details: Any) -> None:
        """Fail what is not answered; the connector closes the transport."""
        self._end_calls(details.reason)
        self._errback_outstanding_requests(TransportLost(f"the session ended: {details.reason}"))
        self._connector.link_left(details.reason, details.message or "")

    def onDisconnect(self) -> None:
        """Fail what was asked after the router had ended the session."""
        self._end_calls("it was closed")
        super().onDisconnect()

    def onMessage(self, msg: Any) -> None:
        """Pass on what is for the other side; leave the rest to autobahn."""
        kind = type(msg)
        if kind is Event and msg.subscription in self.topics:
            self._side.heard(self, msg)
        elif kind is Invocation and msg.registration in self.procedures:
            self._side.called(self, msg)
        elif kind in _ANSWERS and msg.request in self._calls:
            self._answered(msg)
        elif kind is Interrupt and msg.request in self._asked:
            link, request = self._asked[msg.request]
            link.send(Cancel(request, msg.mode))
        else:
            self._own(msg)

    def _own(self, msg: Any) -> None:
        """Handle what is for the bridge itself."""
        super().onMessage(msg)
        if type(msg) is Unregistered and msg.request == 0:
            self._side.taken_away(msg.registration)

    # Calls

    def ask(self, asker: "BridgeLink", invocation: Any, uri: str, chain: Any) -> None:
        """Call a procedure at this router for a call of another one.

        Parameters
        ----------
        asker : BridgeLink
            The link over which the call came.
        invocation : Invocation
            The call.
        uri : str
            The procedure.
        chain : list of dict or None
            In whose name it is called (``forward_for``).
        """
        if len(self._calls) >= MOST_CALLS:
            text = f"{MOST_CALLS} calls wait for an answer already"
            asker.answer_error(invocation.request, LINK_LOST, text)
            return
        request = self._request_id_gen.next()
        self._calls[request] = asker, invocation.request
        asker._asked[invocation.request] = self, request  # noqa: SLF001 - of this class
        call = Call(
            request,
            uri,
            args=invocation.args,
            kwargs=invocation.kwargs,
            timeout=invocation.timeout,
            receive_progress=invocation.receive_progress,
            forward_for=chain,
        )
        try:
            self.send(call)
        except PayloadExceededError as error:
            del self._calls[request]
            asker._asked.pop(invocation.request, None)  # noqa: SLF001 - of this class
            asker.answer_error(invocation.request, TOO_LARGE, f"the call is too large: {error}")

    def answer_error(self, request: int, uri: str, text: str) -> None:
        """Answer a call of this router with an error."""
        self.send(Error(Invocation.MESSAGE_TYPE, request, uri, args=[text]))

    def send(self, msg: Any) -> bool:
        """Send a message; return whether the transport has taken it.

        Raises
        ------
        PayloadExceededError
            If the message is too large for the router.
        """
        if self._transport is None:
            return False
        try:
            self._transport.send(msg)
        except (TransportLost, Disconnected):
            return False
        return True

    def publish_event(self, topic: str, args: Any, kwargs: Any, chain: Any) -> bool:
        """Publish an event; return whether the transport has taken it.

        Raises
        ------
        PayloadExceededError
            If the message is too large for the router.
        """
        request = self._request_id_gen.next()
        return self.send(Publish(request, topic, args=args, kwargs=kwargs, forward_for=chain))

    def probe(self, on_answer: Callable[[], None]) -> None:
        """Call the router itself; drop the link if it does not answer in time."""
        reactor = the_reactor()
        waiting: list[Any] = []

        def wait(time_s: float) -> None:
            waiting[:] = [reactor.callLater(time_s, over)]

        def over() -> None:
            if self._transport is None:
                return
            # A busy router answers late, behind what it has to send anyway.
            silent_s = reactor.seconds() - max(self._heard_s, asked_s)
            if silent_s >= SILENCE_ENDS_LINK_S:
                self._connector.drop_slow()
            else:
                wait(SILENCE_ENDS_LINK_S - silent_s)

        def answered(outcome: Any) -> None:
            if waiting[0].active():
                waiting[0].cancel()
            fault = outcome.value if isinstance(outcome, Failure) else None
            # A refusal is an answer; that the session has ended is none.
            is_answer = fault is None or isinstance(fault, ApplicationError)
            if self._transport is not None and is_answer:
                on_answer()

        asked_s = reactor.seconds()
        wait(SILENCE_ENDS_LINK_S)
        calling: Deferred[Any] = self.call(PROBE)
        calling.addBoth(answered)

    def _answered(self, msg: Any) -> None:
        """Hand an answer on to the other router."""
        waiting = self._calls[msg.request]
        if waiting is None:
            del self._calls[msg.request]
            return
        asker, request = waiting
        if type(msg) is Error:
            uri, kind = msg.error, Invocation.MESSAGE_TYPE
            answer: Any = Error(kind, request, uri, args=msg.args, kwargs=msg.kwargs)
        else:
            answer = Yield(request, args=msg.args, kwargs=msg.kwargs, progress=msg.progress)
        if type(msg) is Error or not msg.progress:
            del self._calls[msg.request]
            asker._asked.pop(request, None)  # noqa: SLF001 - of this class
        asker.send(answer)

    def _end_calls(self, reason: str) -> None:
        """Answer calls that this router will not answer, and cancel those that it has made."""
        text = f"the link between the routers was lost ({reason}); the call may have arrived"
        for asker, request in [each for each in self._calls.values() if each is not None]:
            asker._asked.pop(request, None)  # noqa: SLF001 - of this class
            asker.answer_error(request, LINK_LOST, text)
        self._calls.clear()
        for link, request in list(self._asked.values()):
            link._calls[request] = None  # noqa: SLF001 - of this class
            link.send(Cancel(request, Cancel.KILLNOWAIT))
        self._asked.clear()


class BridgeConnector(RouterConnector):
    """Keeps the bridge joined to one router."""

    join_limit_s = BRIDGE_JOIN_LIMIT_S

    def __init__(self, address: RouterAddress, side: SideOfLink, name: str) -> None:
        state = Reconnection(rejoins=True, reason="it is being connected")
        super().__init__(address, state, lambda: BridgeLink(address.realm, self, name))
        self.too_slow = f"the router did not let it join within {BRIDGE_JOIN_LIMIT_S:.0f} s"
        self.side = side
        self._link: BridgeLink | None = None

    @property
    def joined(self) -> bool:
        """Whether there is a link."""
        return self.state.joined

    @property
    def reason(self) -> str:
        """Why there is none."""
        return self.state.reason

    def start(self) -> None:
        """Begin to connect."""
        self.fire(LinkEvent.WANTED)

    def open(self) -> None:
        """Begin to open a transport; another way than the configured one leads elsewhere."""
        self._opening = self.connect(self.address)
        self._opening.addCallbacks(self._opened, self._not_opened)

    def delay_s(self) -> float:
        """Return the time until the next attempt [s]."""
        longest_s = LONGEST_RETRY_DELAY_S
        if self.address.socket_path:
            longest_s = LONGEST_LOCAL_RETRY_DELAY_S
        return retry_delay_s(self.state.failures, random.random(), longest_s)

    def report(self) -> None:
        """Tell the side."""
        self.side.changed()

    def transport_closed(self, cause: str | None) -> None:
        """Take the link away from the side, and go on."""
        link, self._link = self._link, None
        if link is not None:
            self.side.lost(link)
        self.fire(LinkEvent.CLOSED, cause or "the connection was lost")

    def link_joined(self, link: BridgeLink) -> None:
        """Give the link to the side."""
        self.fire(LinkEvent.JOINED)
        if self.joined:
            self._link = link
            self.side.joined(link)

    def link_left(self, reason: str, text: str) -> None:
        """Read why the router ended the session, and close the transport."""
        if reason.startswith("wamp.error."):
            self.fire(LinkEvent.REFUSED, f"the router refuses: {reason} {text}".strip())
        elif self._protocol is not None:
            self._protocol.transport.loseConnection()

    def drop_slow(self) -> None:
        """Drop a link over which no answer comes."""
        reason = f"the router has not answered for {SILENCE_ENDS_LINK_S:.0f} s"
        self.fire(LinkEvent.REFUSED, reason)
