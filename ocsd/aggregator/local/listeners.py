"""Finds out which local feeds nobody but the recorder hears, and tells their agents."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.bus.subscribers import SubscriptionWatch
from ocsd.bus.subscriptions import Audience
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
        self._own_session = 0
        self._watch: SubscriptionWatch | None = None
        self._judged: set[SourceKey] | None = None
        self._shown: frozenset[SourceKey] | None = None
        self._has_complained = False

    def joined(self, link: RouterLink) -> None:
        """Ask a router that was joined."""
        self.left()
        if self._folder is not None:
            self._own_session = link.session_details.session
            self._watch = SubscriptionWatch(link, self._changed, self._refused)
            self._watch.start()

    def left(self) -> None:
        """Take all feeds for heard: the router is away."""
        self._watch = None
        self._withdraw()

    def step(self) -> None:
        """Prolong the list, or correct it; call it several times in `PROLONGED_S`."""
        if self._watch is not None and self._watch.is_complete:
            self._show(self._watch, self._keys().copy())

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

    def _changed(self, watch: SubscriptionWatch) -> None:
        if watch is self._watch:
            self._judged = None
            self._show(watch, self._keys().copy())

    def _show(self, watch: SubscriptionWatch, keys: set[SourceKey]) -> None:
        unheard = self._shown
        if unheard is None or keys != self._judged:
            others = Audience(watch.known.wanted({self._own_session}))
            unheard = frozenset(key for key in keys if not others.hears(key.address))
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
