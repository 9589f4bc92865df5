"""What an agent listens to, over all its connections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.python.failure import Failure

from ocsd.agent.wamp import RouterLink, SubscribeOptions, TransportLost


@dataclass(slots=True)
class Subscription:
    """One handler for one topic.

    Attributes
    ----------
    made : Deferred
        Fires with autobahn's subscription when it has been made for the first
        time.
    """

    handler: Callable[..., Any]
    topic: str
    options: SubscribeOptions | None
    made: Deferred[Any] = field(default_factory=Deferred)


class Subscriptions:
    """Makes an agent's subscriptions again on each new connection.

    Attributes
    ----------
    topics : set of str
        What is subscribed, or will be as soon as there is a connection.
    """

    def __init__(self, log: Any) -> None:
        self.topics: set[str] = set()
        self._log = log
        self._all: list[Subscription] = []

    def add(
        self,
        handler: Callable[..., Any],
        topic: str,
        options: Mapping[str, Any] | SubscribeOptions | None,
        link: RouterLink | None,
    ) -> "Deferred[Any]":
        """Subscribe now, or once there is a link."""
        if isinstance(options, Mapping):
            options = SubscribeOptions(**options)
        subscription = Subscription(handler, topic, options)
        self.topics.add(topic)
        self._all.append(subscription)
        if link is not None:
            self._make(subscription, link)
        return subscription.made

    def make_all(self, link: RouterLink) -> "Deferred[Any]":
        """Make every subscription on a new link."""
        return DeferredList([self._make(each, link) for each in self._all])

    def _make(self, subscription: Subscription, link: RouterLink) -> "Deferred[Any]":
        asked = maybeDeferred(
            link.subscribe, subscription.handler, subscription.topic, subscription.options
        )
        return asked.addCallbacks(
            self._made, self._refused, callbackArgs=(subscription,), errbackArgs=(subscription,)
        )

    def _made(self, made: Any, subscription: Subscription) -> None:
        if not subscription.made.called:
            subscription.made.callback(made)

    def _refused(self, failure: Failure, subscription: Subscription) -> None:
        if isinstance(failure.value, TransportLost):
            return  # It is made on the next link.
        self._log.error(
            "cannot subscribe to {topic}: {why}", topic=subscription.topic, why=failure.value
        )
