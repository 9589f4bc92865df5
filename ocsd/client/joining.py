"""Joining the router's realm, with a limit to how long that is tried."""

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectError
from twisted.python.failure import Failure

from ocsd.bus.endpoint import RouterAddress, connect
from ocsd.reactor.threads import the_reactor

RETRY_S = 0.5
# From an open transport to a joined realm.
_JOIN_LIMIT_S = 10.0


class Joining:
    """Connects sessions of a client, one after the other.

    The session has to call `note_joined` and, when the router refuses it,
    `note_refused`.

    Parameters
    ----------
    address : RouterAddress
        Where the router is.
    new_session : callable
        Makes the session for the next connection.
    on_lost : callable
        Called when a connection that had joined is gone.
    on_failure : callable
        Called with the reason when there was no router in time.
    """

    def __init__(
        self,
        address: RouterAddress,
        new_session: Callable[[], Any],
        on_lost: Callable[[], object],
        on_failure: Callable[[str], object],
    ) -> None:
        self.address = address
        self._new_session = new_session
        self._on_lost = on_lost
        self._on_failure = on_failure
        self._reason = "it does not answer"
        self._joined = False
        self._wanted = False
        self._limit: Any = None
        self._protocol: Any = None

    def start(self, limit_s: float | None) -> None:
        """Try until it succeeds or, unless `limit_s` is None, until the time is over [s]."""
        self._wanted = True
        if limit_s is not None:
            self._limit = the_reactor().callLater(limit_s, self._fail)
        self._attempt()

    def note_joined(self) -> None:
        """Note that the realm has been joined."""
        self._joined = True
        self._cancel_limit()

    def note_refused(self, reason: str) -> None:
        """Note that the router has refused the session, which trying again would not change."""
        self._reason = reason
        self._fail()

    def drop(self) -> None:
        """End the present connection without ceremony."""
        transport = getattr(self._protocol, "transport", None)
        if transport is not None:
            transport.abortConnection()

    def _attempt(self) -> None:
        if self._wanted:
            opening = connect(self.address, self._new_session, the_reactor())
            opening.addCallbacks(self._opened, self._not_opened)

    def _opened(self, protocol: Any) -> None:
        self._protocol = protocol
        slow = the_reactor().callLater(_JOIN_LIMIT_S, self._took_too_long)
        protocol.is_closed.addCallback(self._closed, slow)

    def _took_too_long(self) -> None:
        if not self._joined:
            self._reason = "it accepts connections but does not answer"
            self.drop()

    def _not_opened(self, failure: Failure) -> None:
        why = failure.value
        text = why.args[-1] if isinstance(why, ConnectError) and why.args else why
        self._reason = str(text) or type(why).__name__
        the_reactor().callLater(RETRY_S, self._attempt)

    def _closed(self, protocol: Any, slow: Any) -> Any:
        self._protocol = None
        if slow.active():
            slow.cancel()
        if self._joined:
            self._joined = False
            self._on_lost()
        elif self._wanted:
            self._reason = getattr(protocol, "wasNotCleanReason", None) or self._reason
            the_reactor().callLater(RETRY_S, self._attempt)
        return protocol

    def _fail(self) -> None:
        if self._wanted:
            self._wanted = False
            self._cancel_limit()
            self._on_failure(f"no router at {self.address}: {self._reason}")
            self.drop()

    def _cancel_limit(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None and limit.active():
            limit.cancel()
