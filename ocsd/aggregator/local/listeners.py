"""Finds out which local feeds nobody but the recorder hears, and tells their agents."""

import time
from collections.abc import Callable, Collection, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import inlineCallbacks

from ocsd.access import subscription_meta as meta
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.bus.subscriptions import Subscriptions
from ocsd.bus.unheard import UnheardBoard
from ocsd.bus.wamp import ApplicationError, Disconnected, RouterLink, TransportLost

LOOK_AGAIN_S: Final = 60.0
"""Period of asking the router for all subscriptions, lest one be missed [s]."""

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
        keys: Callable[[], Collection[SourceKey]],
        log: Log,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._keys, self._log, self._monotonic = folder, keys, log, monotonic
        self._board: UnheardBoard | None = None
        self._board_due_s = 0.0
        self._link: RouterLink | None = None
        self._known: Subscriptions | None = None
        self._asked_s = 0.0
        self._changes = 0
        self._shown: frozenset[SourceKey] | None = None
        self._judged: Collection[SourceKey] = frozenset()
        self._has_complained = False

    def joined(self, link: RouterLink) -> None:
        """Ask a router that was joined."""
        self.left()
        if self._folder is None:
            return
        self._link = link
        self._ask(link, first=True)

    def left(self) -> None:
        """Take all feeds for heard: the router is away."""
        self._link = self._known = None
        self._withdraw()

    def step(self) -> None:
        """Prolong the list, or correct it; call it several times in `PROLONGED_S`."""
        link = self._link
        if link is None or self._known is None:
            return
        if self._monotonic() - self._asked_s >= LOOK_AGAIN_S:
            self._ask(link)
        self._update(is_new=False)

    def close(self) -> None:
        """Take all feeds for heard, because they are recorded no longer."""
        self._withdraw()
        board, self._board = self._board, None
        if board is not None:
            board.close()

    def _withdraw(self) -> None:
        self._shown = None
        if self._board is not None:
            self._board.withdraw()

    def _update(self, *, is_new: bool = True) -> None:
        """Show the list; `is_new` says that subscriptions have changed."""
        known, link, keys = self._known, self._link, frozenset(self._keys())
        if known is None or link is None:
            return
        unheard = self._shown
        if is_new or unheard is None or keys != self._judged:
            me = link.session_details.session
            unheard = frozenset(key for key in keys if not known.is_heard(key.address, me))
            self._judged = keys
        board = self._opened(bool(keys))
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

    def _opened(self, has_spools: bool) -> UnheardBoard | None:
        """Return the board; None if it cannot be had at present."""
        now_s = self._monotonic()
        if self._board is None and self._folder and has_spools and now_s >= self._board_due_s:
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

    def _ask(self, link: RouterLink, *, first: bool = False) -> None:
        self._asked_s = self._monotonic()
        self._all(link, first).addErrback(self._refused)

    def _refused(self, failure: Any) -> None:
        error = failure.trap(ApplicationError, TransportLost, Disconnected)
        if error is ApplicationError:
            self._complain(f"the router does not tell who subscribes ({failure.value.error})")

    @inlineCallbacks
    def _all(self, link: RouterLink, first: bool) -> Any:
        """Find out about all subscriptions."""
        if first:
            for topic, take in self._meta_handlers(link).items():
                yield link.subscribe(take, topic)
        changes, found = -1, Subscriptions()
        while link is self._link and changes != self._changes:
            changes = self._changes
            found = yield self._present(link)
        if link is self._link:
            self._known = found
            self._update()

    @inlineCallbacks
    def _present(self, link: RouterLink) -> Any:
        """Return the subscriptions; some that change meanwhile may be missing."""
        found = Subscriptions()
        listed = yield link.call(meta.LIST)
        for number in chain.from_iterable(listed.values()):
            try:
                details = yield link.call(meta.GET, number)
                sessions = yield link.call(meta.LIST_SUBSCRIBERS, number)
            except ApplicationError as error:
                if error.error != ApplicationError.NO_SUCH_SUBSCRIPTION:
                    raise
            else:
                found.add(details, sessions)
        return found

    def _meta_handlers(self, link: RouterLink) -> Mapping[str, Callable[..., None]]:
        """Return what takes the router's messages about subscriptions."""

        def changed(change: Callable[[Subscriptions], object]) -> None:
            self._changes += 1
            if link is not self._link or self._known is None:
                return
            if change(self._known) is False:
                self._ask(link)
                self._known = None
                self._withdraw()
            self._update()

        return {
            meta.ON_CREATE: lambda session, details: changed(
                lambda known: known.add(details, [session])
            ),
            meta.ON_SUBSCRIBE: lambda session, number: changed(
                lambda known: known.subscribed(session, number)
            ),
            meta.ON_UNSUBSCRIBE: lambda session, number: changed(
                lambda known: known.unsubscribed(session, number)
            ),
            meta.ON_DELETE: lambda _session, number: changed(lambda known: known.delete(number)),
        }
