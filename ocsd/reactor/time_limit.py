"""A time limit for a Deferred."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import AlreadyCalled, AlreadyCancelled

from ocsd.reactor.threads import the_reactor


def within(deferred: "Deferred[Any]", timeout_s: float | None) -> "Deferred[Any]":
    """Return `deferred`, cancelled after `timeout_s` [s] (None: never) and then fired with None."""
    if timeout_s is None or deferred.called:
        return deferred
    limit = the_reactor().callLater(timeout_s, deferred.cancel)

    def ended(result: Any) -> Any:
        try:
            limit.cancel()
        except (AlreadyCalled, AlreadyCancelled):
            return None
        return result

    return deferred.addBoth(ended)
