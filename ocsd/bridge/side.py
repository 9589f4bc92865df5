"""One of the two routers that a bridge joins: what is wanted there, and what waits for it."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger

from ocsd.bridge.census import META_REGISTRATION, OfferWatch
from ocsd.bridge.demand import HubDemand, below
from ocsd.bridge.link import BridgeConnector, BridgeLink
from ocsd.bridge.mirror import Mirror
from ocsd.bridge.offers import Offers
from ocsd.bridge.waiting import WINDOW_EVENTS, WaitingEvents
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.subscribers import SubscriptionWatch
from ocsd.bus.subscriptions import Subscriptions, TopicPattern
from ocsd.bus.wamp import (
    ApplicationError,
    Disconnected,
    Event,
    Invocation,
    PayloadExceededError,
    RegisterOptions,
    SubscribeOptions,
    TransportLost,
)
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.time_limit import within

CONFIRM_EVERY: Final = WINDOW_EVENTS // 4
"""Events that are sent before the router is asked whether it has them."""
TAKEN: Final = "wamp.error.procedure_already_exists"
TAKEN_AWAY: Final = "another program has taken over the address"
HOLDER_LIMIT_S: Final = 2.0
"""Time in which the holder of an address has to say who it is [s]."""
REMEMBERED_SESSIONS: Final = 1000
"""Earlier sessions of the bridge, which a router may take for alive for a while."""


class Ends(Protocol):
    """The two sides, for one of them."""

    def changed(self, side: "Side") -> None:
        """Bring the other side into line with what is wanted and offered at this one."""

    def heard(self, side: "Side", event: Event, topic: str, size_bytes: int) -> None:
        """Take an event of this side."""

    def called(self, side: "Side", link: BridgeLink, invocation: Invocation) -> None:
        """Take a call of this side."""


class Side:
    """A router, and the bridge's session there.

    Attributes
    ----------
    waiting : WaitingEvents
        The events for this router.
    follow : Mirror
        The subscriptions here, for programs at the other side.
    export : Mirror
        The registrations here, of agents at the other side.
    offers : Offers
        The registrations here; those of before while the link is away.
    knows_demand : bool
        Whether the router tells them.
    holders : dict
        The answer to ``get_api`` of agents that hold an address which is to be registered here.
    """

    log = Logger()

    def __init__(
        self,
        address: RouterAddress,
        address_root: str,
        ends: Ends,
        name: str,
        *,
        learns_offers: bool = False,
    ) -> None:
        self._root = address_root
        self._learns_offers = learns_offers
        self._ends = ends
        self.connector = BridgeConnector(address, self, name)
        self.link: BridgeLink | None = None
        self.waiting = WaitingEvents()
        self.follow: Mirror[TopicPattern] = Mirror()
        self.export: Mirror[str] = Mirror()
        self.offers = Offers(address_root)
        self.knows_demand = True
        self.holders: dict[str, Mapping[str, Any] | None] = {}
        self._subscriptions = Subscriptions()  # those of before while the link is away
        self._watch: SubscriptionWatch | None = None
        self._offer_watch: OfferWatch | None = None
        self._own_sessions: deque[int] = deque(maxlen=REMEMBERED_SESSIONS)
        self._handles: dict[int, Any] = {}
        self._asking = False
        self._is_due = False

    def wanted(self) -> frozenset[TopicPattern]:
        """Return the topics that programs at this router want.

        The bridge's own subscriptions are those of the other side: to send them back would keep
        both alive for ever.
        """
        if not self.knows_demand:
            return frozenset({TopicPattern(f"{self._root}.", "prefix")})
        return below(self._subscriptions.wanted(self._own_sessions), self._root)

    def demand(self) -> HubDemand:
        """Return what programs at this router want, and who they are."""
        return HubDemand(self._subscriptions, self._own_sessions, self._root)

    # What the link tells

    def joined(self, link: BridgeLink) -> None:
        """Use a link that has joined."""
        self.link = link
        self._own_sessions.append(link.number)
        self._asking = False
        self.waiting.again()
        self.pump()
        self.bring_into_line()
        self._learn(link)

    def lost(self, link: BridgeLink) -> None:
        """Use a link no more."""
        self.link, self._asking = None, False
        for mirror in (self.follow, self.export):
            mirror.lost()
        self._handles.clear()

    def heard(self, link: BridgeLink, event: Event) -> None:
        """Take an event."""
        topic = event.topic or link.topics[event.subscription]
        self._ends.heard(self, event, topic, link.size_bytes)

    def called(self, link: BridgeLink, invocation: Invocation) -> None:
        """Take a call."""
        self._ends.called(self, link, invocation)

    def taken_away(self, number: int) -> None:
        """Try again to register what somebody has taken."""
        self.export.taken_away(number, TAKEN_AWAY, the_reactor().seconds())

    def changed(self) -> None:
        """Tell the log."""
        if self.connector.joined:
            self.log.info("connected to {router}", router=str(self.connector.address))
        else:
            where, why = str(self.connector.address), self.connector.reason
            self.log.warn("not connected to {router}: {why}", router=where, why=why)

    # Events for this router

    def pump(self) -> None:
        """Send what may be sent."""
        link, waiting = self.link, self.waiting
        if link is None:
            return
        while (event := waiting.next()) is not None:
            try:
                if not link.publish_event(event.topic, event.args, event.kwargs, event.sender):
                    return
            except PayloadExceededError:
                waiting.refused(event)
        if waiting.unconfirmed >= CONFIRM_EVERY:
            self.ask()

    def ask(self) -> None:
        """Ask the router whether it lives, and so whether it has what was sent."""
        link = self.link
        if link is None or self._asking:
            return
        self._asking, number = True, self.waiting.last_sent

        def answered() -> None:
            if link is self.link:
                self._asking = False
                self.waiting.confirmed(number)
                self.pump()

        link.probe(answered)

    # What is held at this router

    def line_up_soon(self) -> None:
        """Bring it into line with what is wanted, once for all changes that come together."""
        if not self._is_due:
            self._is_due = True
            the_reactor().callLater(0, self.bring_into_line)

    def bring_into_line(self) -> None:
        """Bring what is held at this router into line with what is wanted."""
        self._is_due = False
        if self.link is None:
            return
        now_s = the_reactor().seconds()
        topics, addresses = self.follow.due(now_s), self.export.due(now_s)
        for _, number in (*topics.give_up, *addresses.give_up):
            self._give_up(self.link, number)
        for pattern in topics.take:
            self._subscribe(self.link, pattern).addErrback(self._failed)
        for uri in addresses.take:
            self._register(self.link, uri).addErrback(self._failed)

    def _give_up(self, link: BridgeLink, number: int) -> None:
        link.topics.pop(number, None)
        link.procedures.pop(number, None)
        handle = self._handles.pop(number, None)
        if handle is None or not handle.active:
            return
        end = getattr(handle, "unsubscribe", None) or handle.unregister
        ending: Deferred[Any] = end()
        ending.addErrback(lambda _: None)  # it is gone already, as the link is

    @inlineCallbacks
    def _subscribe(self, link: BridgeLink, pattern: TopicPattern) -> Any:
        options = SubscribeOptions(match=pattern.match)
        try:
            granted = yield link.subscribe(nothing, pattern.uri, options)
        except (ApplicationError, TransportLost) as error:
            self._refused(link, self.follow, pattern, error)
            return
        if link is self.link:
            link.topics[granted.id] = pattern.uri
            self._handles[granted.id] = granted
            self.follow.granted(pattern, granted.id)
            self.line_up_soon()  # it may not be wanted any more

    @inlineCallbacks
    def _register(self, link: BridgeLink, uri: str) -> Any:
        try:
            granted = yield self._registered(link, uri)
        except (ApplicationError, TransportLost) as error:
            self._refused(link, self.export, uri, error)
            return
        if link is self.link:
            self.holders.pop(uri, None)
            link.procedures[granted.id] = uri
            self._handles[granted.id] = granted
            self.export.granted(uri, granted.id)
            self.line_up_soon()

    @inlineCallbacks
    def _registered(self, link: BridgeLink, uri: str) -> Any:
        """Register an address, also if an earlier session of this bridge still holds it."""
        try:
            granted = yield link.register(nothing, uri)
        except ApplicationError as error:
            if error.error != TAKEN:
                raise
            is_own = yield self._is_held_by_us(link, uri)
            if not is_own:
                self.holders[uri] = yield self._holder(link, uri)
                raise
            granted = yield link.register(nothing, uri, RegisterOptions(force_reregister=True))
        return granted

    @inlineCallbacks
    def _is_held_by_us(self, link: BridgeLink, uri: str) -> Any:
        try:
            number = yield link.call(f"{META_REGISTRATION}.lookup", uri)
            holders = yield link.call(f"{META_REGISTRATION}.list_callees", number)
        except ApplicationError:
            return False  # the router does not tell, or it has just been given up
        return not set(self._own_sessions).isdisjoint(holders or ())

    @inlineCallbacks
    def _holder(self, link: BridgeLink, uri: str) -> Any:
        instance = uri.removeprefix(f"{self._root}.").partition(".")[0]
        try:
            told = yield within(link.call(f"{self._root}.{instance}", "get_api"), HOLDER_LIMIT_S)
        except (ApplicationError, TransportLost):
            return None
        return told if isinstance(told, dict) else None

    def _refused(self, link: BridgeLink, mirror: Mirror[Any], key: Any, error: Exception) -> None:
        if link is self.link:
            mirror.refuse(key, str(error), the_reactor().seconds())

    # What programs at this router want and offer

    def _learn(self, link: BridgeLink) -> None:
        """Learn what is wanted and offered here, and follow it from now on."""
        self._watch = SubscriptionWatch(link, self._subscriptions_changed, self._not_told)
        self._watch.start()
        if self._learns_offers:
            self._offer_watch = OfferWatch(link, self._root, self._offers_changed, self._not_told)
            self._offer_watch.start()

    def _subscriptions_changed(self, watch: SubscriptionWatch) -> None:
        if watch is self._watch:
            self.knows_demand, self._subscriptions = True, watch.known
            self._ends.changed(self)

    def _offers_changed(self, watch: OfferWatch) -> None:
        if watch is self._offer_watch:
            self.offers = watch.known
            self._ends.changed(self)

    def _not_told(self, failure: Any) -> None:
        """Take everything for wanted, unless only the link was lost."""
        if failure.check(TransportLost, Disconnected):
            return
        self.log.warn("the router does not tell who wants what: {why}", why=str(failure.value))
        self.knows_demand = False
        self._ends.changed(self)

    def _failed(self, failure: Any) -> None:
        self.log.failure("the bridge has failed to do something", failure=failure)


def nothing(*_: Any, **__: Any) -> None:
    """Stand for what goes past autobahn's handlers."""
