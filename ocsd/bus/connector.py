"""Carrying out what a `Reconnection` decides: transports, timers, reports."""

from collections.abc import Callable
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.python.failure import Failure

from ocsd.bus.endpoint import RouterAddress, connect
from ocsd.bus.reconnection import LinkEvent, Reconnection
from ocsd.reactor.threads import the_reactor


class RouterConnector:
    """Opens transports to the router, one after the other, each for a new session.

    A kind of connection derives from it, and fires the events of its sessions.
    """

    join_limit_s: float
    """Time from an open transport to a joined realm [s]."""
    too_slow: str
    """Reason of a connection for which that time was too short."""
    failing = ""
    """Words before the cause of a failure."""

    def __init__(
        self, address: RouterAddress, state: Reconnection, new_session: Callable[[], Any]
    ) -> None:
        self.address = address
        self.state = state
        self._new_session = new_session
        self._protocol: Any = None
        self._opening: Deferred[Any] | None = None
        self._timer: DelayedCall | None = None

    def fire(self, event: LinkEvent, reason: str = "") -> None:
        """Let an event change the state, and carry out the actions that follow."""
        self.state, actions = self.state.after(event, the_reactor().seconds(), reason)
        for action in actions:
            getattr(self, action)()

    # Each kind of connection has its own.

    def delay_s(self) -> float:
        """Return the time until the next attempt [s]."""
        raise NotImplementedError

    def transport_closed(self, cause: str | None) -> None:
        """Fire CLOSED; the cause is that of an unclean end."""
        self.fire(LinkEvent.CLOSED, cause or "")

    # A test has its own.

    def connect(self, address: RouterAddress) -> "Deferred[Any]":
        """Begin to open a transport for a new session."""
        return connect(address, self._new_session, the_reactor())

    # Actions, by their names in `LinkAction`.

    def report(self) -> None:
        """Report that `joined` or `reason` of the state has changed."""

    def report_loss(self) -> None:
        """Report that a connection that is not made again is gone."""

    def give_up(self) -> None:
        """Report that there will be no connection."""

    def open(self) -> None:
        """Begin to open a transport."""
        self._opening = self.connect(self.address.after(self.state.failures))
        self._opening.addCallbacks(self._opened, self._not_opened)

    def limit_joining(self) -> None:
        """Fire TOO_SLOW when the time for joining is over."""
        self._fire_after(self.join_limit_s, LinkEvent.TOO_SLOW, self.too_slow)

    def wait(self) -> None:
        """Fire WAITED when the next attempt is due."""
        self._fire_after(self.delay_s(), LinkEvent.WAITED)

    def cancel(self) -> None:
        """End the timer and the attempt to open a transport."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if self._opening is not None:
            self._opening.cancel()

    def drop(self) -> None:
        """Close the transport without ceremony."""
        transport = getattr(self._protocol, "transport", None)
        if transport is not None:
            transport.abortConnection()

    def _fire_after(self, delay_s: float, event: LinkEvent, reason: str = "") -> None:
        self._timer = the_reactor().callLater(delay_s, self.fire, event, reason)

    def _opened(self, protocol: Any) -> None:
        self._opening = None
        self._protocol = protocol
        self.fire(LinkEvent.OPENED)
        protocol.is_closed.addCallback(self._closed)

    def _not_opened(self, failure: Failure) -> None:
        self._opening = None
        error = failure.value
        text = str(error)
        if isinstance(error, ConnectError) and error.args:
            text = str(error.args[-1])
        self.fire(LinkEvent.NOT_OPENED, self.failing + (text or type(error).__name__))

    def _closed(self, protocol: Any) -> Any:
        self._protocol = None
        self.transport_closed(getattr(protocol, "wasNotCleanReason", None))
        return protocol
