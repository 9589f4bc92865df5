"""Hear a topic for a while, or until Ctrl-C, in a program of its own."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import inlineCallbacks

from ocsd.bus.encoding import json_safe
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.wamp import ApplicationError, ComponentConfig, LoggedInSession, SubscribeOptions
from ocsd.client.joining import CLIENT_WAIT_LIMIT_S, Joining
from ocsd.reactor.threads import the_reactor


class Subscription:
    """Hands on what is published, until the end.

    Parameters
    ----------
    topic : str
        The topic; an empty part of it matches any.
    take : callable
        Called with the topic and the message, of JSON's types, of each publication.
    limit_s : float, optional
        Time to listen once the topic is subscribed [s]; None: until Ctrl-C.

    Attributes
    ----------
    reason : str
        Why it ended before its time; empty if it did not.
    """

    def __init__(self, topic: str, take: Callable[[str, Any], None], limit_s: float | None) -> None:
        self.topic = topic
        self.reason = ""
        self.joining: Joining
        self._take = take
        self._limit_s = limit_s

    def subscribed(self) -> None:
        """Begin to count the time."""
        if self._limit_s is not None:
            the_reactor().callLater(self._limit_s, self.end)

    def heard(self, message: Any, details: Any = None) -> None:
        """Hand a publication on."""
        topic = getattr(details, "topic", None) or self.topic
        self._take(topic, json_safe(message, lambda _: None))

    def lost(self) -> None:
        """End, because the connection is gone."""
        self.end(f"the connection to the router at {self.joining.address} was lost")

    def end(self, reason: str = "") -> None:
        """End the program's reactor."""
        reactor = the_reactor()
        if reactor.running:
            self.reason = self.reason or reason
            reactor.stop()


class _SubscriberSession(LoggedInSession):
    """The connection of a subscription."""

    def __init__(self, realm: str, subscription: Subscription) -> None:
        super().__init__(ComponentConfig(realm))
        self._subscription = subscription

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        """Subscribe to the topic."""
        subscription = self._subscription
        subscription.joining.session_joined()
        match = "exact"
        if "" in subscription.topic.split("."):
            match = "wildcard"
        options = SubscribeOptions(match=match, details=True)
        try:
            yield self.subscribe(subscription.heard, subscription.topic, options)
        except ApplicationError as error:
            subscription.end(f"the router refuses to subscribe to {subscription.topic}: {error}")
        else:
            subscription.subscribed()

    def onLeave(self, details: Any) -> None:
        """End the attempts if the router refuses the session, and close the connection."""
        if details.reason.startswith("wamp.error."):
            refusal = f"{details.reason} {details.message or ''}".strip()
            self._subscription.joining.session_refused(refusal)
        self.disconnect()


def run(
    url: str, realm: str, topic: str, take: Callable[[str, Any], None], limit_s: float | None
) -> str:
    """Listen to a topic of the router at `url`; return why it ended before its time.

    Other parameters are those of `Subscription`. It runs the reactor, so a program can call
    it once.
    """
    subscription = Subscription(topic, take, limit_s)
    subscription.joining = Joining(
        RouterAddress.for_client(url, realm),
        lambda: _SubscriberSession(realm, subscription),
        subscription.lost,
        subscription.end,
    )
    reactor = the_reactor()
    reactor.callWhenRunning(subscription.joining.start, CLIENT_WAIT_LIMIT_S)
    reactor.run()
    return subscription.reason
