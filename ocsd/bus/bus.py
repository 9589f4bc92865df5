"""Requests of an agent to others: to their feeds, procedures and operations."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from ocsd.bus.standing import StandingRequests
from ocsd.bus.wamp import (
    ApplicationError,
    RegisterOptions,
    RoutedSession,
    RouterLink,
    SubscribeOptions,
    TransportLost,
    txaio,
)
from ocsd.reactor.threads import in_reactor, soon_in_reactor


class BusSession(RoutedSession):
    """A session whose subscriptions and registrations outlive its connections.

    `ocsd.agent.agent.OCSAgent` documents its attributes.
    """

    agent_address: str | None = None

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.log = txaio.make_logger()
        self.subscribed_topics: set[str] = set()
        self._standing = StandingRequests(self.log)

    def subscribe(
        self,
        handler: Callable[..., Any],
        topic: str,
        options: Any = None,
        force_subscribe: bool | None = False,
        **_more: Any,
    ) -> Any:
        """Subscribe to a topic, for the life of the agent.

        Parameters
        ----------
        handler : callable
            Called with each publication; for a feed a pair of message and feed_info.
        topic : str
            The topic or, with ``options={'match': 'wildcard'}``, a pattern.
        options : dict, optional
            Arguments of autobahn's SubscribeOptions.
        force_subscribe : bool
            Whether to subscribe even if the topic is subscribed already.

        Returns
        -------
        Deferred or False
            Fires with autobahn's subscription; False if there is one already.
        """
        if topic in self.subscribed_topics and not force_subscribe:
            self.log.warn("topic {topic} is subscribed already", topic=topic)
            return False
        self.subscribed_topics.add(topic)
        if isinstance(options, Mapping):
            options = SubscribeOptions(**options)

        return soon_in_reactor(
            self._ask,
            f"subscribe to {topic}",
            lambda link, _again: link.subscribe(handler, topic, options),
            lambda: self.subscribed_topics.discard(topic),
        )

    def register(self, endpoint: Any, procedure: Any = None, options: Any = None) -> Any:
        """Register a procedure of the author's own, for the life of the agent.

        Parameters
        ----------
        endpoint : callable
            Called when the procedure is.
        procedure : str
            Its address.
        options : autobahn.wamp.types.RegisterOptions, optional
            Options of autobahn.

        Returns
        -------
        Deferred
            Fires with autobahn's registration, or fails with its error.
        """

        def ask(link: RouterLink, again: bool) -> Any:
            # An agent that has joined holds its address and all below it. The router
            # may not have noticed yet that an earlier connection is lost.
            mine = again or str(procedure).startswith(f"{self.agent_address}.")
            force = mine and RegisterOptions(force_reregister=True)
            return link.register(endpoint, procedure, options or force or None)

        return soon_in_reactor(self._ask, f"register {procedure or endpoint}", ask)

    def subscribe_to_feed(
        self,
        agent_addr: str,
        feed_name: str,
        handler: Callable[..., Any],
        options: Any = None,
        force_subscribe: bool = False,
    ) -> Any:
        """Subscribe to a feed of another agent; see `subscribe`."""
        topic = f"{agent_addr}.feeds.{feed_name}"
        return self.subscribe(handler, topic, options, force_subscribe)

    def subscribe_on_start(
        self,
        handler: Callable[..., Any],
        topic: str,
        options: Any = None,
        force_subscribe: bool | None = None,
    ) -> None:
        """Subscribe to a topic as soon as the agent has joined; see `subscribe`."""
        subscribed = self.subscribe(handler, topic, options, force_subscribe)
        if subscribed:
            subscribed.addErrback(lambda _: None)  # It is in the log.

    def call_op(
        self,
        agent_address: str,
        op_name: str,
        action: str,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Call an operation of another agent.

        Parameters
        ----------
        agent_address : str
            Its address, e.g. ``observatory.thermo1``.
        op_name, action : str
            The operation and the request to it, e.g. ``start``.
        params : dict, optional
            Parameters of the operation.
        timeout : float, optional
            Time limit of ``wait`` [s].

        Returns
        -------
        Deferred of list
            The answer ``[code, message, session]``, or False if the call
            failed. In a worker thread the answer itself, when it is there.
        """

        def failed(failure: Failure) -> bool:
            if not isinstance(failure.value, (ApplicationError, TransportLost)):
                failure.raiseException()
            request = {"action": action, "op": op_name, "agent": agent_address}
            self.log.warn("cannot {action} {op} of {agent}: {why}", why=failure.value, **request)
            return False

        def call() -> "Deferred[Any]":
            request = f"{agent_address}.ops", action, op_name
            called = maybeDeferred(self.call, *request, params=params, timeout=timeout)
            return called.addErrback(failed)

        return in_reactor(call)

    # Hooks that authors may override; also the events of `on`: join, ready, leave, disconnect.

    def onJoin(self, details: Any) -> Any:
        """React to a connection: the agent has joined, for the first time or again."""

    def onLeave(self, details: Any) -> Any:
        """React to the loss of the router; the agent will join again."""

    def onDisconnect(self) -> Any:
        """React to the end of a transport to the router."""

    def run_hook(self, event: str, hook: Callable[..., Any], *details: Any) -> None:
        """Call a hook and the listeners of `event`, and log what they raise."""

        def failed(failure: Failure) -> None:
            text = "the author's function for {event} raised"
            self.log.failure(text, failure=failure, event=event)

        maybeDeferred(hook, *details).addErrback(failed)
        maybeDeferred(self.fire, event, self, *details).addErrback(failed)

    def ask_again(self, link: RouterLink) -> "Deferred[Any]":
        """Make all subscriptions and registrations on a new link."""
        return self._standing.ask_all(link)

    def _ask(
        self,
        what: str,
        ask: Callable[[RouterLink, bool], Any],
        on_refusal: Callable[[], object] = lambda: None,
    ) -> "Deferred[Any]":
        return self._standing.add(what, ask, self._link, on_refusal)
