"""The connection of an agent to the router, kept for ever.

The agent itself never ends because the router is away: its operations go on, its feeds keep
their messages, and `ocsd.bus.reconnection` makes the next attempt.
"""

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks

from ocsd.bus.backoff import (
    LONGEST_LOCAL_RETRY_DELAY_S,
    LONGEST_RETRY_DELAY_S,
    LONGEST_WAIT_FOR_SOCKET_S,
    retry_delay_s,
)
from ocsd.bus.connector import RouterConnector
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.reconnection import LinkEvent, Phase, Reconnection
from ocsd.bus.wamp import ApplicationError, RegisterOptions, RouterLink, TransportLost, parse_url
from ocsd.errors import AgentArgumentsError
from ocsd.reactor.time_limit import within
from ocsd.site.values import told as launches

REGISTRATION_LIMIT_S = 15.0
"""Time from an open transport to registered addresses [s]."""
GOODBYE_LIMIT_S = 1.0
"""Time that a closing handshake may take [s]."""
HOLDER_LIMIT_S = 2.0
"""Time in which the holder of our address has to say who it is [s]."""

TAKEN = "wamp.error.procedure_already_exists"
FORBIDDEN = "wamp.error.not_authorized"


class Connection(RouterConnector):
    """Keeps an agent with parsed arguments `args` joined.

    It can be used in a reactor that runs already, and touches neither signals nor the process.

    Parameters
    ----------
    on_change : callable, optional
        Called whenever `joined` or `reason` has changed.
    give_up_s : float
        Call `on_give_up` after this time without a router [s]; 0 never does.
    jitter : callable
        Returns a random number from 0 to 1, which spreads the attempts of many agents.
    address : RouterAddress, optional
        The router; by default that of the arguments and of this process's launch.
    """

    join_limit_s = REGISTRATION_LIMIT_S

    def __init__(
        self,
        agent: Any,
        args: Any,
        *,
        on_change: Callable[[], object] = lambda: None,
        give_up_s: float = 0.0,
        on_give_up: Callable[[], object] = lambda: None,
        jitter: Callable[[], float] = random.random,
        address: RouterAddress | None = None,
    ) -> None:
        launch = launches.current()
        if address is not None:
            launch = None
        address = address or RouterAddress.of(args, launch)
        if not address.socket_path:
            check_url(address.url)
        state = Reconnection(
            rejoins=True,
            give_up_s=give_up_s,
            force=launch is not None and launch.force_register,
            reason=f"waiting for the router at {address}",
        )
        super().__init__(address, state, lambda: RouterLink(address.realm, self, self._name))
        self.failing = f"{state.reason}: "
        self.too_slow = (
            f"the router at {address} did not answer within {REGISTRATION_LIMIT_S:.0f} s"
        )
        self.agent = agent
        self._name = str(getattr(args, "instance_id", None) or "")
        self._on_change = on_change
        self._on_give_up = on_give_up
        self._jitter = jitter

    @property
    def joined(self) -> bool:
        """Whether the realm is joined and the agent's addresses are registered."""
        return self.state.joined

    @property
    def reason(self) -> str:
        """The cause of not being joined; empty if joined."""
        return self.state.reason

    def start(self) -> None:
        """Begin to connect."""
        self.fire(LinkEvent.WANTED)

    @inlineCallbacks
    def stop(self) -> Any:
        """Say goodbye to the router and stay away.

        The Deferred fires when the transport has closed, after a second at the latest.
        """
        self.fire(LinkEvent.UNWANTED)
        link, protocol = self.agent.detach(), self._protocol
        if protocol is None:
            return
        closed: Deferred[None] = Deferred()
        protocol.is_closed.addCallback(closed.callback)
        if link is not None and link.is_attached():
            link.leave()
        else:
            self.drop()
        yield within(closed, GOODBYE_LIMIT_S)

    def delay_s(self) -> float:
        """Return the time until the next attempt; a socket on this machine costs nothing."""
        longest_s = LONGEST_RETRY_DELAY_S
        if self.address.socket_path:
            longest_s = LONGEST_LOCAL_RETRY_DELAY_S
        if self.address.after(self.state.failures).is_missing:
            longest_s = LONGEST_WAIT_FOR_SOCKET_S
        return retry_delay_s(self.state.failures, self._jitter(), longest_s)

    def report(self) -> None:
        """Log whether the agent is joined, and notify the user of the connection."""
        if self.joined:
            text = "joined realm {router.realm} at {router} as {address}"
            self.agent.log.info(text, router=self.address, address=self.agent.agent_address)
        else:
            self.agent.log.warn("{reason}", reason=self.reason)
        self._on_change()

    def give_up(self) -> None:
        """Call `on_give_up`."""
        self._on_give_up()

    def transport_closed(self, cause: str | None) -> None:
        """Take the link away from the agent, and go on."""
        if self.joined:
            cause = "the connection was lost"
        self.agent.detach()
        self.fire(LinkEvent.CLOSED, self.failing + (cause or "the connection was closed"))

    # What the link reports.

    @inlineCallbacks
    def link_joined(self, link: RouterLink) -> Any:
        """Register the agent's addresses on a link that has joined."""
        error = yield self._register(link)
        if not link.is_connected():
            return
        if error is not None:
            yield self._report_refusal(link, error)
            return
        self.fire(LinkEvent.REGISTERED)
        if self.state.phase is not Phase.REGISTERED:
            return
        yield self.agent.attach(link)
        if link.is_attached():
            self.fire(LinkEvent.JOINED)

    def _register(self, link: RouterLink) -> "Deferred[Exception | None]":
        """Register the agent's addresses; the Deferred fires with the first error."""
        # The endpoints get the details of each call: who calls.
        options = RegisterOptions(details=True, force_reregister=self.state.force or None)
        registered = [
            link.register(endpoint, procedure, options)
            for procedure, endpoint in self.agent.procedures().items()
        ]
        return DeferredList(registered, consumeErrors=True).addCallback(
            lambda done: next((result.value for ok, result in done if not ok), None)
        )

    def link_left(self, link: RouterLink, reason: str, text: str) -> None:
        """Read why the router ended the session, and close the transport."""
        if reason == "wamp.error.no_such_realm":
            self._refuse(
                f"the router at {self.address} has no realm {self.address.realm!r}; correct "
                "wamp_realm in the site file or the router's configuration"
            )
        elif reason.startswith("wamp.error."):
            self._refuse(f"the router at {self.address} refused the session: {reason} {text}")
        elif self._protocol is not None:
            # No closing handshake of the transport: all has been said.
            self._protocol.transport.loseConnection()

    def link_unregistered(self, link: RouterLink) -> None:
        """Join once more, to find out which process has taken the address."""
        self._refuse(f"another process has taken over the address {self.agent.agent_address}")

    def _refuse(self, reason: str) -> None:
        self.fire(LinkEvent.REFUSED, reason)

    @inlineCallbacks
    def _report_refusal(self, link: RouterLink, error: Exception) -> Any:
        """Fire the event for a registration that was refused."""
        address = self.agent.agent_address
        uri = getattr(error, "error", "")
        event, reason = LinkEvent.REFUSED, f"cannot register {address!r}: {error}"
        if uri == TAKEN:
            event, reason = yield self._ask_holder(link, address)
        elif uri == FORBIDDEN:
            reason = (
                f"the router does not let this agent register {address!r}; make address_root "
                "in the site file and the permissions in the router's configuration agree"
            )
        # The link may have been lost while the holder was asked.
        if link.is_connected():
            self.fire(event, reason)

    @inlineCallbacks
    def _ask_holder(self, link: RouterLink, address: str) -> Any:
        try:
            holder = yield within(link.call(address, "get_api"), HOLDER_LIMIT_S)
        except (ApplicationError, TransportLost) as failure:
            holder = None
            self.agent.log.info("the holder of {it} answers {why}", it=address, why=failure)
        if not isinstance(holder, dict):
            return LinkEvent.HELD, f"{address!r} is registered by a process that does not answer"
        return LinkEvent.REFUSED, (
            f"{address!r} is registered by another process: pid {holder.get('instance_pid')} "
            f"on {holder.get('instance_hostname')}; stop it or give this agent another instance-id"
        )


def check_url(url: object) -> None:
    """Refuse what is not the WebSocket address of a router.

    Raises
    ------
    AgentArgumentsError
        If it is not ``ws://host:port/path`` or ``wss://…``.
    """
    try:
        parse_url(url)
    except Exception as error:
        raise AgentArgumentsError(
            f"site_hub {url!r} is not the address of a router: {error}; give something like "
            "ws://localhost:8001/ws as wamp_server in the site file or --site-hub"
        ) from error
