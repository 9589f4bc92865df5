"""What programs at a router want and offer, asked of the router and then followed."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import DeferredList, inlineCallbacks

from ocsd.bridge.demand import REGISTRATION, SUBSCRIPTION, Demand, Offers
from ocsd.bridge.link import BridgeLink

Change = Callable[[Any, Any], None]


class Census:
    """The subscriptions of all programs at a router, and the registrations, over one link.

    Parameters
    ----------
    link : BridgeLink
        The link.
    address_root : str
        The site's.
    with_offers : bool
        Whether the registrations are of interest.
    on_change : callable
        Called with this census at each change, once the first answers are in.
    """

    def __init__(
        self,
        link: BridgeLink,
        address_root: str,
        *,
        with_offers: bool,
        on_change: Callable[["Census"], None],
    ) -> None:
        self.demand, self.offers = Demand(address_root), Offers(address_root)
        self.link = link
        self._with_offers = with_offers
        self._on_change = on_change
        self._is_complete = False

    @inlineCallbacks
    def begin(self) -> Any:
        """Subscribe to all changes, then ask for what there is.

        Raises
        ------
        ApplicationError
            If the router does not tell.
        TransportLost
            If the link is lost.
        """
        for topic, change in self._changes().items():
            yield self.link.subscribe(self._telling(change), topic)
        yield self._ask_for_demand()
        if self._with_offers:
            yield self._ask_for_offers()
        self._is_complete = True
        self._on_change(self)

    def _changes(self) -> Mapping[str, Change]:
        """Return what to do with each event of the meta API: a session, and details or a number."""
        demand, offers = self.demand, self.offers
        changes: dict[str, Change] = {
            f"{SUBSCRIPTION}.on_create": lambda _, details: demand.created(details),
            f"{SUBSCRIPTION}.on_subscribe": demand.joined,
            f"{SUBSCRIPTION}.on_unsubscribe": demand.left,
            f"{SUBSCRIPTION}.on_delete": lambda _, number: demand.deleted(number),
        }
        if self._with_offers:
            changes[f"{REGISTRATION}.on_create"] = lambda _, details: offers.created(details)
            changes[f"{REGISTRATION}.on_delete"] = lambda _, number: offers.deleted(number)
        return changes

    def _telling(self, change: Change) -> Callable[[Any, Any], None]:
        def told(session: Any, fact: Any) -> None:
            change(session, fact)
            if self._is_complete:
                self._on_change(self)

        return told

    @inlineCallbacks
    def _ask_for_demand(self) -> Any:
        """Ask for it by session, because without one crossbar's list leaves out wildcards."""
        sessions = yield self.link.call("wamp.session.list")
        found: set[int] = set()

        def has(topics: Mapping[str, list[int]], session: int) -> None:
            for number in (each for kind in topics.values() for each in kind):
                found.add(number)
                self.demand.joined(session, number)

        # A session without any is said not to exist.
        yield DeferredList(
            [
                self.link.call(f"{SUBSCRIPTION}.list", each).addCallback(has, each)
                for each in sessions
            ],
            consumeErrors=True,
        )
        calls = [self.link.call(f"{SUBSCRIPTION}.get", number) for number in found]
        yield self._all(calls, self.demand.created)

    @inlineCallbacks
    def _ask_for_offers(self) -> Any:
        found = yield self.link.call(f"{REGISTRATION}.list")
        calls = [self.link.call(f"{REGISTRATION}.get", number) for number in found["exact"]]
        yield self._all(calls, self.offers.created)

    @staticmethod
    def _all(calls: list[Any], take: Callable[[Any], None]) -> Any:
        """Take all answers; what was given up meanwhile has none."""
        return DeferredList([call.addCallback(take) for call in calls], consumeErrors=True)
