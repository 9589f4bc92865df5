"""The subscribers at a router: asked for, then followed."""

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import DeferredList, inlineCallbacks

from ocsd.access import rules as meta
from ocsd.bus.subscriptions import Subscriptions
from ocsd.bus.wamp import ApplicationError, LoggedInSession

_GONE = (ApplicationError.NO_SUCH_SUBSCRIPTION, ApplicationError.NO_SUCH_SESSION)
_OF_THE_ROUTER = "protected URI"
"""In crossbar's refusal to tell of subscriptions to the meta API itself, which its lists name."""


class SubscriptionWatch:
    """Follows the subscriptions of all programs at a router, over one link.

    Parameters
    ----------
    link : LoggedInSession
        The link.
    on_change : callable
        Called with this object once all is known, and at each change from then on.
    on_failure : callable
        Called with the failure if the router does not tell, or the link is lost.

    Attributes
    ----------
    known : Subscriptions
        The subscriptions.
    is_complete : bool
        Whether they are all known.
    """

    def __init__(
        self,
        link: LoggedInSession,
        on_change: Callable[["SubscriptionWatch"], None],
        on_failure: Callable[[Any], None],
    ) -> None:
        self.known = Subscriptions()
        self.is_complete = False
        self._link, self._on_change, self._on_failure = link, on_change, on_failure

    def start(self) -> None:
        """Begin."""
        self._begin().addErrback(self._failed)

    @inlineCallbacks
    def _begin(self) -> Any:
        """Hear of all changes, then ask what there is: what is told later is newer."""
        changes: dict[str, Callable[[Any, Any], None]] = {
            meta.ON_CREATE: self._created,
            meta.ON_SUBSCRIBE: self._joined,
            meta.ON_UNSUBSCRIBE: self._ended,
            meta.ON_DELETE: self._ended,
        }
        for topic, take in changes.items():
            yield self._link.subscribe(take, topic)
        # By session, because without one crossbar's list leaves out wildcards.
        sessions = yield self._link.call(meta.SESSIONS)
        lists = yield all_of(self._asked(meta.SUBSCRIPTIONS, each) for each in sessions)
        kinds = (kind for found in lists for kind in (found or {}).values())
        yield all_of(map(self._look, {number for kind in kinds for number in kind}))
        self.is_complete = True
        self._on_change(self)

    def _created(self, session: int, details: Any) -> None:
        self.known.add(details, [session])
        self._changed()

    def _joined(self, session: int, number: int) -> None:
        if self.known.knows(number):
            self.known.joined(session, number)
            self._changed()
        else:  # It is older than this watch, and its other sessions have ended meanwhile.
            self._look_again(number)

    def _ended(self, _session: Any, number: int) -> None:
        """Ask who has a subscription that somebody has given up.

        crossbar does not tell by whom if the session has ended, and tells the end of subscriptions
        that others still have.
        """
        if self.known.knows(number):
            self._look_again(number)

    def _look_again(self, number: int) -> None:
        looking = self._look(number)
        looking.addCallbacks(lambda _: self._changed(), self._failed)

    @inlineCallbacks
    def _look(self, number: int) -> Any:
        """Ask for a subscription and its sessions."""
        details = None
        if not self.known.knows(number):
            details = yield self._asked(meta.SUBSCRIPTION, number)
        sessions = yield self._asked(meta.SUBSCRIBERS, number)
        if self.known.knows(number):
            self.known.replace(number, sessions or ())
        elif details and sessions:
            self.known.add(details, sessions)

    @inlineCallbacks
    def _asked(self, procedure: str, number: int) -> Any:
        """Return the answer; None if there is no such session or subscription of a program."""
        answer = None
        try:
            answer = yield self._link.call(procedure, number)
        except ApplicationError as error:
            if error.error not in _GONE and _OF_THE_ROUTER not in str(error):
                raise
        return answer

    def _failed(self, failure: Any) -> None:
        self.is_complete = False
        self._on_failure(failure)

    def _changed(self) -> None:
        if self.is_complete:
            self._on_change(self)


@inlineCallbacks
def all_of(calls: Iterable[Any]) -> Any:
    """Return the answers to several calls; raise what one of them raises."""
    answers = yield DeferredList(list(calls), consumeErrors=True)
    for succeeded, answer in answers:
        if not succeeded:
            answer.raiseException()
    return [answer for _, answer in answers]
