"""The addresses that are registered at a router: asked for, then followed."""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import inlineCallbacks

from ocsd.bridge.link import BridgeLink
from ocsd.bridge.offers import Offers
from ocsd.bus.subscribers import all_of
from ocsd.bus.wamp import ApplicationError

META_REGISTRATION: Final = "wamp.registration"


class OfferWatch:
    """Follows the registrations of all programs at a router, over one link.

    Parameters
    ----------
    link : BridgeLink
        The link.
    address_root : str
        The site's.
    on_change : callable
        Called with this object once all is known, and at each change from then on.
    on_failure : callable
        Called with the failure if the router does not tell, or the link is lost.
    """

    def __init__(
        self,
        link: BridgeLink,
        address_root: str,
        on_change: Callable[["OfferWatch"], None],
        on_failure: Callable[[Any], None],
    ) -> None:
        self.known = Offers(address_root)
        self._link, self._on_change, self._on_failure = link, on_change, on_failure
        self._is_complete = False

    def start(self) -> None:
        """Begin."""
        self._begin().addErrback(self._on_failure)

    @inlineCallbacks
    def _begin(self) -> Any:
        """Hear of all changes, then ask what there is: what is told later is newer."""
        yield self._link.subscribe(self._created, f"{META_REGISTRATION}.on_create")
        yield self._link.subscribe(self._deleted, f"{META_REGISTRATION}.on_delete")
        found = yield self._link.call(f"{META_REGISTRATION}.list")
        yield all_of(map(self._look, found["exact"]))
        self._is_complete = True
        self._on_change(self)

    def _created(self, _session: Any, details: Any) -> None:
        self.known.created(details)
        self._changed()

    def _deleted(self, _session: Any, number: int) -> None:
        self.known.deleted(number)
        self._changed()

    def _changed(self) -> None:
        if self._is_complete:
            self._on_change(self)

    @inlineCallbacks
    def _look(self, number: int) -> Any:
        try:
            self.known.created((yield self._link.call(f"{META_REGISTRATION}.get", number)))
        except ApplicationError as error:
            if error.error != ApplicationError.NO_SUCH_REGISTRATION:
                raise  # else it was given up meanwhile
