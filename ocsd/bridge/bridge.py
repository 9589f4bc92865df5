"""Events and calls from one router to the other.

A host's router is a leaf, the site's the hub. Events go over where somebody at the other side has
subscribed to them. Each address of an agent of the host is registered at the hub as well; a call
for an address that no agent of the host has goes to the hub. A router never sends a session what
it has published itself, so nothing goes round in a tree of leaves.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ocsd.bridge.condition import BridgeCondition, of_duplicate
from ocsd.bridge.demand import BEAT_TOPIC_END, Thinning
from ocsd.bridge.link import NO_SUCH_PROCEDURE, ROUTER_AWAY, BridgeLink
from ocsd.bridge.offers import is_returning
from ocsd.bridge.side import Side, nothing
from ocsd.bus.caller import true_sender
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.subscriptions import TopicPattern
from ocsd.bus.wamp import Event, Invocation, RegisterOptions
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.system.classes import DUPLICATES_TOPIC

TICK_S: Final = 1.0
"""Period of the questions whether the routers live [s]."""


class RouterBridge:
    """Joins the router of a host to the hub.

    Parameters
    ----------
    host : str
        The host.
    local, hub : RouterAddress
        The two routers.
    address_root : str
        The site's.
    names_callers : bool
        Whether the hub lets the bridge call in the name of its callers.
    recorded : callable
        Returns the agents whose feeds this host records itself; None if it does not.
    """

    log = Logger()

    def __init__(
        self,
        host: str,
        local: RouterAddress,
        hub: RouterAddress,
        address_root: str,
        names_callers: bool = False,
        recorded: Callable[[], frozenset[str] | None] = lambda: None,
    ) -> None:
        self._host = host
        self._root = address_root
        self._names_callers = names_callers
        name = f"bridge of {host}"
        self.local = Side(local, address_root, self, name, learns_offers=True)
        self.hub = Side(hub, address_root, self, name)
        self._catching: BridgeLink | None = None
        self._demand, self._thinning = self.hub.demand(), Thinning()
        self._told_recorded, self._recorded = recorded, recorded()
        self._was_connected, self._since_at = False, time.time()
        self._ticker = Ticker(TICK_S, self._tick)

    def start(self) -> None:
        """Begin."""
        self.local.connector.start()
        self.hub.connector.start()
        self._ticker.start()

    @property
    def is_ready(self) -> bool:
        """Whether this host's router passes calls on to the bridge."""
        return self.local.link is not None and bool(self.local.link.procedures)

    def condition(self) -> BridgeCondition:
        """Return how the bridge does."""
        hub, is_connected = self.hub, self.hub.link is not None
        if is_connected is not self._was_connected:
            self._was_connected, self._since_at = is_connected, time.time()
        return BridgeCondition(
            hub=str(hub.connector.address),
            is_connected=is_connected,
            since_at=self._since_at,
            why=hub.connector.reason,
            waiting=len(hub.waiting),
            waiting_bytes=hub.waiting.size_bytes,
            dropped=hub.waiting.dropped,
            dropped_here=self.local.waiting.dropped,
            kept_back=self._thinning.kept_back,
            knows_demand=hub.knows_demand,
            duplicates=self._duplicates(),
            refused=self._refused(),
        )

    # What the sides tell

    def changed(self, side: Side) -> None:
        """Bring the other side into line with what is wanted and offered at this one."""
        other = self._other(side)
        if side is self.hub:
            self._demand = side.demand()
        if side is self.local:
            other.follow.want(side.wanted())
            other.export.want(side.offers.wanted())
            self._catch_all(side)
        self.local.follow.want(self._wanted_of_hub())
        self.local.line_up_soon()
        self.hub.line_up_soon()

    def heard(self, side: Side, event: Event, topic: str, size_bytes: int) -> None:
        """Take an event of a side to the other one."""
        if side is self.local and self._is_kept_back(topic, event):
            return
        other, sender = self._other(side), None
        if event.publisher is not None and (other is self.local or self._names_callers):
            sender = [_sender_of(event, "publisher")]
        args, kwargs = event.args, event.kwargs
        other.waiting.add(event.publication, topic, args, kwargs, size_bytes, sender)
        other.pump()

    def called(self, side: Side, link: BridgeLink, invocation: Invocation) -> None:
        """Take a call of a side to the other one."""
        uri = invocation.procedure or link.procedures[invocation.registration]
        chain, other = invocation.forward_for, self._other(side)
        if side is self.local and is_returning(chain, invocation.caller, link.number):
            text = f"no callee registered for procedure <{uri}>"
            link.answer_error(invocation.request, NO_SUCH_PROCEDURE, text)
        elif other.link is None:
            link.answer_error(invocation.request, ROUTER_AWAY, self._away(uri, other))
        else:
            sender = None
            if invocation.caller is not None and (other is self.local or self._names_callers):
                sender = [_sender_of(invocation, "caller")]
            other.link.ask(link, invocation, uri, sender)

    # Parts

    def _other(self, side: Side) -> Side:
        return self.hub if side is self.local else self.local

    def _wanted_of_hub(self) -> frozenset[TopicPattern]:
        if not self.hub.knows_demand:
            return self.hub.wanted()
        return self._demand.topics(self._recorded, self.local.offers.agents())

    def _is_kept_back(self, topic: str, event: Event) -> bool:
        """Say whether an event is a heartbeat without which everybody at the hub can do."""
        if not topic.endswith(BEAT_TOPIC_END) or not self.hub.knows_demand:
            return False
        if self._demand.needs_each(topic):
            return False
        if self.hub.link is None:
            self._thinning.begin_anew()  # it would be old by then
            return True
        codes = event.args and event.args[0]
        if isinstance(codes, list) and codes:
            codes = codes[0]
        now_s = the_reactor().seconds()
        return not self._thinning.passes(topic, event.publication, codes, now_s)

    def _look_what_is_recorded(self) -> None:
        recorded = self._told_recorded()
        if recorded != self._recorded:
            self._recorded = recorded
            self.changed(self.local)

    def _tick(self) -> None:
        self._look_what_is_recorded()
        for side in (self.local, self.hub):
            side.ask()
            side.bring_into_line()
        self._tell_duplicates()

    def _tell_duplicates(self) -> None:
        """Tell the daemon of the other host, which knows nothing of it."""
        link = self.hub.link
        if link is None:
            return
        for instance_id in self._duplicates():
            told = {"instance_id": instance_id, "host": self._host}
            link.publish_event(f"{self._root}.{DUPLICATES_TOPIC}", [told], None, None)

    def _catch_all(self, side: Side) -> None:
        """Take all calls for addresses that no agent of this host has."""
        link = side.link
        if link is None or link is self._catching:
            return
        self._catching = link
        # Only a bridge before this one can hold it.
        options = RegisterOptions(match="prefix", force_reregister=True)
        registering: Deferred[Any] = link.register(nothing, f"{self._root}.", options)

        def registered(granted: Any) -> None:
            link.procedures[granted.id] = ""

        def refused(failure: Any) -> None:
            self.log.error("this host's router refuses calls: {why}", why=failure.value)

        registering.addCallbacks(registered, refused)

    def _away(self, uri: str, other: Side) -> str:
        if other is self.local:
            return f"the router of host {self._host!r}, on which {uri} is, is not there"
        return (
            f"no agent of this host ({self._host}) has the address {uri}, and the hub cannot be "
            f"asked: {other.connector.reason}"
        )

    def _duplicates(self) -> Mapping[str, str]:
        found = {}
        for uri in self.hub.holders.keys() & self.hub.export.refusals.keys():
            instance_id = uri.removeprefix(f"{self._root}.").partition(".")[0]
            found[instance_id] = of_duplicate(instance_id, self._host, self.hub.holders[uri])
        return found

    def _refused(self) -> Mapping[str, str]:
        topics = {each.uri: why for each, why in self.hub.follow.refusals.items()}
        addresses = {
            uri: why for uri, why in self.hub.export.refusals.items() if uri not in self.hub.holders
        }
        return topics | addresses


def _sender_of(msg: Event | Invocation, part: str) -> Mapping[str, Any]:
    """Return the true sender of a message, by the router's word."""
    if msg.forward_for:
        return true_sender(msg.forward_for)
    return {
        "session": getattr(msg, part),
        "authid": getattr(msg, f"{part}_authid"),
        "authrole": getattr(msg, f"{part}_authrole"),
    }
