"""Finds out which local feeds nobody but the recorder hears, and tells their agents."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import inlineCallbacks

from ocsd.access import rules as meta
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.bus.subscriptions import Subscriptions
from ocsd.bus.unheard import UnheardBoard
from ocsd.bus.wamp import ApplicationError, Disconnected, RouterLink, TransportLost

BOARD_RETRY_S: Final = 30.0


class Listeners:
    """Keeps the list of feeds that nobody hears; all belongs to the reactor's thread.

    Parameters
    ----------
    folder : Path or None
        The folder of all spools of the host; None does nothing.
    keys : callable
        Returns the sources that are read from their spools.
    log : Log
        Takes what an operator may want to know.
    monotonic : callable
        Returns the monotonic time [s].
    """

    def __init__(
        self,
        folder: Path | None,
        keys: Callable[[], set[SourceKey]],
        log: Log,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._keys, self._log, self._monotonic = folder, keys, log, monotonic
        self._board: UnheardBoard | None = None
        self._board_due_s = 0.0
        self._joined: RouterLink | None = None
        self._link: RouterLink | None = None  # whose changes of subscriptions we hear
        self._known = Subscriptions()
        self._topics: set[str] = set()  # of which all subscriptions are known
        self._asked: set[str] = set()
        self._judged: set[SourceKey] | None = None
        self._shown: frozenset[SourceKey] | None = None
        self._has_complained = False

    def joined(self, link: RouterLink) -> None:
        """Ask a router that was joined."""
        self.left()
        if self._folder is not None:
            self._joined = link
            self._begin(link).addErrback(self._refused)

    def left(self) -> None:
        """Take all feeds for heard: the router is away."""
        self._joined = self._link = None
        self._known, self._topics, self._asked = Subscriptions(), set(), set()
        self._withdraw()

    def step(self) -> None:
        """Prolong the list, or correct it; call it several times in `PROLONGED_S`."""
        link = self._link
        if link is None:
            return
        keys = self._keys().copy()
        topics = {key.address for key in keys} - self._asked
        if topics and self._topics >= self._asked:
            self._asked |= topics
            self._learn(link, topics).addErrback(self._refused)
        self._show(link, keys)

    def close(self) -> None:
        """Take all feeds for heard, because they are recorded no longer."""
        self._withdraw()
        board, self._board, self._board_due_s = self._board, None, 0.0
        if board is not None:
            board.close()

    def _withdraw(self) -> None:
        self._shown = None
        if self._board is not None:
            self._board.withdraw()

    def _changed(self, link: RouterLink) -> None:
        if link is self._link:
            self._judged = None
            self._show(link, self._keys().copy())

    def _show(self, link: RouterLink, keys: set[SourceKey]) -> None:
        unheard = self._shown
        if unheard is None or keys != self._judged:
            me = link.session_details.session
            unheard = frozenset(
                key
                for key in keys
                if key.address in self._topics and not self._known.is_heard(key.address, me)
            )
            self._judged = keys
        board = self._opened() if keys else self._board
        if board is None:
            return
        if unheard == self._shown:
            board.prolong()
            return
        self._shown = None
        try:
            board.show(unheard)
        except OSError:  # The disk is full: everything is published.
            return
        self._shown = unheard

    def _opened(self) -> UnheardBoard | None:
        """Return the board; None if it cannot be had at present."""
        now_s = self._monotonic()
        if self._board is None and self._folder and now_s >= self._board_due_s:
            self._board_due_s = now_s + BOARD_RETRY_S
            try:
                self._board = UnheardBoard(self._folder)
            except OSError as error:
                self._complain(f"{self._folder}: {error.strerror or error}")
        return self._board

    def _complain(self, why: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._log.info(
                "all messages of this host's agents go to the router, also of feeds that nobody "
                "else hears: {why}",
                why=why,
            )

    def _refused(self, failure: Any) -> None:
        error = failure.trap(ApplicationError, TransportLost, Disconnected)
        if error is ApplicationError:
            self._complain(f"the router does not tell who subscribes ({failure.value.error})")

    @inlineCallbacks
    def _begin(self, link: RouterLink) -> Any:
        """Hear of all changes, then ask what there is: what is told later is newer."""

        def taking(take: Callable[..., None]) -> Callable[..., None]:
            def taken(session: Any, what: Any) -> None:
                take(session, what)
                self._changed(link)

            return taken

        known = self._known
        changes: dict[str, Callable[..., None]] = {
            meta.ON_CREATE: lambda session, details: known.add(details, [session]),
            meta.ON_SUBSCRIBE: known.subscribed,
            meta.ON_UNSUBSCRIBE: partial(self._look_again, link),
            meta.ON_DELETE: partial(self._look_again, link),
        }
        for topic, take in changes.items():
            yield link.subscribe(taking(take), topic)
        if link is self._joined:
            self._link = link
            self.step()

    def _look_again(self, link: RouterLink, _session: Any, number: int) -> None:
        """Ask who has a subscription that somebody has given up.

        crossbar does not tell by whom if the session has ended, and tells the end of subscriptions
        that others still have.
        """
        if self._known.knows(number):
            self._count(link, number).addErrback(self._refused)

    @inlineCallbacks
    def _count(self, link: RouterLink, number: int) -> Any:
        known, sessions = self._known, []
        try:
            sessions = yield link.call(meta.SUBSCRIBERS, number)
        except ApplicationError as error:
            if error.error != ApplicationError.NO_SUCH_SUBSCRIPTION:
                raise
        if known.knows(number):
            known.replace(number, sessions)
        self._changed(link)

    @inlineCallbacks
    def _learn(self, link: RouterLink, topics: set[str]) -> Any:
        """Find out who subscribes to topics.

        A router of ours does not list patterns with empty parts, but finds them for a topic.
        """
        known = self._known
        for topic in topics:
            for number in (yield link.call(meta.SUBSCRIPTIONS_OF, topic)) or ():
                try:
                    details = yield link.call(meta.SUBSCRIPTION, number)
                    sessions = yield link.call(meta.SUBSCRIBERS, number)
                except ApplicationError as error:
                    if error.error != ApplicationError.NO_SUCH_SUBSCRIPTION:
                        raise
                else:
                    known.add(details, sessions)
        if known is self._known:
            self._topics |= topics
            self._changed(link)
