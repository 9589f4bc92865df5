"""Requests of an agent to the router, made again on every connection."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.python.failure import Failure

from ocsd.bus.wamp import RouterLink, TransportLost


@dataclass(slots=True)
class StandingRequest:
    """A subscription or a registration."""

    what: str
    """Words for the log, e.g. ``subscribe to a.topic``."""
    ask: Callable[[RouterLink, bool], "Deferred[Any]"]
    """Makes the request; takes the link and whether it was granted before."""
    on_refusal: Callable[[], object] = lambda: None
    first: Deferred[Any] = field(default_factory=Deferred)
    """Fires, or fails, with autobahn's first answer."""
    granted: Any = None
    """The last object that autobahn returned."""

    @property
    def given_up(self) -> bool:
        """Whether the author has ended it, e.g. with ``unsubscribe()``."""
        return self.granted is not None and getattr(self.granted, "active", True) is False


class StandingRequests:
    """Makes an agent's requests again on each new connection."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._all: list[StandingRequest] = []

    def add(
        self,
        what: str,
        ask: Callable[[RouterLink, bool], Any],
        link: RouterLink | None,
        on_refusal: Callable[[], object] = lambda: None,
    ) -> "Deferred[Any]":
        """Make a request now, or when there is a link; a Deferred of the first answer."""
        request = StandingRequest(what, ask, on_refusal)
        self._all.append(request)
        if link is not None:
            self._ask(request, link)
        return request.first

    def ask_all(self, link: RouterLink) -> "Deferred[Any]":
        """Make all requests on a new link."""
        self._all = [request for request in self._all if not request.given_up]
        return DeferredList([self._ask(request, link) for request in self._all])

    def _ask(self, request: StandingRequest, link: RouterLink) -> "Deferred[Any]":
        asked = maybeDeferred(request.ask, link, request.granted is not None)
        return asked.addCallbacks(
            self._granted, self._refused, callbackArgs=(request,), errbackArgs=(request, link)
        )

    def _granted(self, granted: Any, request: StandingRequest) -> None:
        request.granted = granted
        if not request.first.called:
            request.first.callback(granted)

    def _refused(self, failure: Failure, request: StandingRequest, link: RouterLink) -> None:
        if isinstance(failure.value, TransportLost) or not link.is_attached():
            return  # The next link gets the request.
        self._log.error("cannot {what}: {why}", what=request.what, why=failure.value)
        if not request.first.called:
            self._all.remove(request)
            request.on_refusal()
            request.first.errback(failure)
