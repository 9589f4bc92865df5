"""Joining the router's realm as a client, with a limit to the time of trying."""

from collections.abc import Callable
from typing import Any

from ocsd.bus.connector import RouterConnector
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.reconnection import LinkEvent, Reconnection
from ocsd.reactor.threads import the_reactor

ROUTER_RETRY_S = 0.5
"""Delay between a client's attempts to reach the router [s]."""
CLIENT_WAIT_LIMIT_S = 10.0
"""Time that a client waits for the router by default [s]."""
CLIENT_JOIN_LIMIT_S = 10.0
"""Time from an open transport to a joined realm [s]."""


class Joining(RouterConnector):
    """Connects sessions of a client, one after the other.

    The session has to call `session_joined` and, when the router refuses it, `session_refused`.
    `on_lost` is called when a connection that had joined is gone, `on_failure` with the reason
    when there was no router in time.
    """

    join_limit_s = CLIENT_JOIN_LIMIT_S
    too_slow = "it accepts connections but does not answer"

    def __init__(
        self,
        address: RouterAddress,
        new_session: Callable[[], Any],
        on_lost: Callable[[], object],
        on_failure: Callable[[str], object],
    ) -> None:
        state = Reconnection(rejoins=False, reason="it does not answer")
        super().__init__(address, state, new_session)
        self._on_lost = on_lost
        self._on_failure = on_failure
        self._limit: Any = None

    def start(self, limit_s: float | None) -> None:
        """Try until it succeeds or, unless `limit_s` is None, until the time is over [s]."""
        if limit_s is not None:
            self._limit = the_reactor().callLater(limit_s, self.fire, LinkEvent.TIME_OVER)
        self.fire(LinkEvent.WANTED)

    def session_joined(self) -> None:
        """End the time limit: the realm has been joined."""
        self.fire(LinkEvent.JOINED)
        self._cancel_limit()

    def session_refused(self, reason: str) -> None:
        """Give up, because the router refused the session and would do so again."""
        self.fire(LinkEvent.REFUSED, reason)

    def delay_s(self) -> float:
        """Return the time until the next attempt [s]."""
        return ROUTER_RETRY_S

    def report_loss(self) -> None:
        """Call `on_lost`."""
        self._on_lost()

    def give_up(self) -> None:
        """Call `on_failure`."""
        self._cancel_limit()
        self._on_failure(f"no router at {self.address}: {self.state.reason}")

    def _cancel_limit(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None and limit.active():
            limit.cancel()
