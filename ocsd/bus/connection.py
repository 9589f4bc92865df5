"""Keeping an agent joined to the router, for ever.

The agent itself never ends because the router is away: its operations go on,
its feeds keep their messages, and here the next attempt is made.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks
from twisted.internet.error import ConnectError
from twisted.python.failure import Failure

from ocsd.bus.backoff import LONGEST_LOCAL_RETRY_DELAY_S, LONGEST_RETRY_DELAY_S, retry_delay_s
from ocsd.bus.endpoint import RouterAddress, connect
from ocsd.bus.wamp import ApplicationError, RegisterOptions, RouterLink, TransportLost, parse_url
from ocsd.errors import AgentArgumentsError
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.time_limit import within
from ocsd.site import launch as launches

# From an open transport to registered addresses.
JOIN_LIMIT_S = 15.0
# What a closing handshake may take.
GOODBYE_LIMIT_S = 1.0
# How long the holder of our address has to say who it is.
HOLDER_LIMIT_S = 2.0

TAKEN = "wamp.error.procedure_already_exists"
FORBIDDEN = "wamp.error.not_authorized"


class Connection:
    """Keeps an agent joined.

    It can be used in a reactor that runs already, and touches neither signals
    nor the process.

    Parameters
    ----------
    agent : OCSAgent
        The agent.
    args : argparse.Namespace
        Its parsed arguments.
    on_change : callable, optional
        Called whenever `joined` or `reason` has changed.
    give_up_s : float
        Call `on_give_up` when there was no router for so long [s]; 0 never does.
    on_give_up : callable, optional
        See there.

    Attributes
    ----------
    joined : bool
        Whether the realm is joined and the agent's addresses are registered.
    reason : str
        Why not; empty if joined.
    """

    def __init__(
        self,
        agent: Any,
        args: Any,
        *,
        on_change: Callable[[], None] | None = None,
        give_up_s: float = 0.0,
        on_give_up: Callable[[], object] | None = None,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._launch = launches.current()
        self.address = RouterAddress.of(args, self._launch)
        if not self.address.socket_path:
            check_url(self.address.url)
        self.agent = agent
        self.joined = False
        self.reason = f"waiting for the router at {self.address}"
        self._on_change = on_change or (lambda: None)
        self._give_up_s = give_up_s
        self._on_give_up = on_give_up or (lambda: None)
        self._jitter = jitter
        self._monotonic = monotonic
        self._force = self._launch is not None and self._launch.force_register
        self._was_registered = False
        self._stopped = False
        self._refused = False
        self._failures = 0
        self._away_since_s = 0.0
        self._protocol: Any = None
        self._opening: Deferred[Any] | None = None
        self._timer: Any = None

    def start(self) -> None:
        """Begin to connect."""
        self._away_since_s = self._monotonic()
        self._attempt()

    @inlineCallbacks
    def stop(self) -> Any:
        """Say goodbye to the router and stay away.

        Returns
        -------
        Deferred
            Fires when the transport has closed, after a second at the latest.
        """
        self._stopped = True
        self._cancel_timer()
        if self._opening is not None:
            self._opening.cancel()
        link, protocol = self.agent.detach(), self._protocol
        if protocol is None:
            return
        closed: Deferred[None] = Deferred()
        protocol.is_closed.addCallback(_passing_on(closed))
        if link is not None and link.is_attached():
            link.leave()
        else:
            _drop(protocol)
        yield within(closed, GOODBYE_LIMIT_S)

    def _attempt(self) -> None:
        self._timer = None
        address = self.address.after(self._failures)
        realm = address.realm
        self._opening = connect(address, lambda: RouterLink(realm, self), the_reactor())
        self._opening.addCallbacks(self._opened, self._not_opened)

    def _opened(self, protocol: Any) -> None:
        self._opening = None
        self._protocol = protocol
        self._timer = the_reactor().callLater(JOIN_LIMIT_S, self._took_too_long)
        protocol.is_closed.addCallback(self._closed)

    def _not_opened(self, failure: Failure) -> None:
        self._opening = None
        if not self._stopped:
            why = failure.value
            text = why.args[-1] if isinstance(why, ConnectError) and why.args else why
            self._retry(f"waiting for the router at {self.address}: {text or type(why).__name__}")

    def _closed(self, protocol: Any) -> Any:
        self._protocol = None
        self._cancel_timer()
        self.agent.detach()
        if self._stopped:
            return protocol
        if self.joined:
            self._retry(f"waiting for the router at {self.address}: the connection was lost")
        elif self._refused:
            self._retry(self.reason)
        else:
            why = getattr(protocol, "wasNotCleanReason", None) or "the connection was closed"
            self._retry(f"waiting for the router at {self.address}: {why}")
        return protocol

    def _retry(self, reason: str) -> None:
        self._refused = False
        self._failures += 1
        self._change(joined=False, reason=reason)
        away_s = self._monotonic() - self._away_since_s
        if self._give_up_s > 0 and away_s > self._give_up_s:
            self._on_give_up()
            return
        longest_s = (
            LONGEST_LOCAL_RETRY_DELAY_S if self.address.socket_path else LONGEST_RETRY_DELAY_S
        )
        delay_s = retry_delay_s(self._failures, self._jitter(), longest_s)
        self._timer = the_reactor().callLater(delay_s, self._attempt)

    def _took_too_long(self) -> None:
        self._refuse(f"the router at {self.address} did not answer within {JOIN_LIMIT_S:.0f} s")

    # What the link reports.

    @inlineCallbacks
    def link_joined(self, link: RouterLink) -> Any:
        """Register the agent's addresses on a link that has joined."""
        options = RegisterOptions(force_reregister=True) if self._force else None
        done = yield DeferredList(
            [
                link.register(endpoint, procedure, options)
                for procedure, endpoint in self.agent.procedures().items()
            ],
            consumeErrors=True,
        )
        if not link.is_connected():
            return
        failures = [result.value for ok, result in done if not ok]
        if failures:
            reason = yield self._why_not_registered(link, failures[0])
            self._refuse(reason)
            return
        if self._protocol is None or self._stopped:
            return
        self._cancel_timer()
        self._was_registered = True
        self._failures = 0
        yield self.agent.attach(link)
        if link.is_attached():
            self._change(joined=True, reason="")

    def link_left(self, link: RouterLink, reason: str, text: str) -> None:
        """Note why the router ended the session."""
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
        """Begin anew, to find out who has taken the address."""
        self._refuse(f"another process has taken over the address {self.agent.agent_address}")

    @inlineCallbacks
    def _why_not_registered(self, link: RouterLink, error: Exception) -> Any:
        address = self.agent.agent_address
        uri = getattr(error, "error", "")
        if uri == FORBIDDEN:
            return (
                f"the router does not let this agent register {address!r}; make address_root "
                "in the site file and the permissions in the router's configuration agree"
            )
        if uri != TAKEN:
            return f"cannot register {address!r}: {error}"
        try:
            holder = yield within(link.call(address, "get_api"), HOLDER_LIMIT_S)
        except (ApplicationError, TransportLost) as failure:
            holder = None
            self.agent.log.info("the holder of {it} answers {why}", it=address, why=failure)
        if not isinstance(holder, dict):
            # Our own registration of a connection that the router believes alive.
            self._force = self._force or self._was_registered
            return f"{address!r} is registered by a process that does not answer"
        return (
            f"{address!r} is registered by another process: pid {holder.get('instance_pid')} "
            f"on {holder.get('instance_hostname')}; stop it or give this agent another instance-id"
        )

    def _refuse(self, reason: str) -> None:
        if self._stopped:
            return
        self._refused = True
        self._change(joined=False, reason=reason)
        if self._protocol is not None:
            _drop(self._protocol)

    def _change(self, joined: bool, reason: str) -> None:
        if (joined, reason) == (self.joined, self.reason):
            return
        if self.joined:
            self._away_since_s = self._monotonic()
        self.joined, self.reason = joined, reason
        if joined:
            self.agent.log.info(
                "joined realm {realm} at {router} as {address}",
                realm=self.address.realm,
                router=self.address,
                address=self.agent.agent_address,
            )
        else:
            self.agent.log.warn("{reason}", reason=reason)
        self._on_change()

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


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


def _drop(protocol: Any) -> None:
    transport = protocol.transport
    if transport is not None:
        transport.abortConnection()


def _passing_on(closed: "Deferred[None]") -> Callable[[Any], Any]:
    def pass_on(result: Any) -> Any:
        if not closed.called:
            closed.callback(None)
        return result

    return pass_on
