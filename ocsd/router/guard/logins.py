"""Checks of logins: tickets at once, passwords in a thread, and not too many of either."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredSemaphore, inlineCallbacks, succeed

from ocsd.access import tickets
from ocsd.router.guard.attempts import (
    ADDRESS_LIMIT,
    DOOR_LIMIT,
    PERSON_LIMIT,
    Attempts,
)
from ocsd.router.guard.book import Book
from ocsd.router.guard.door import (
    Admitted,
    Applicant,
    BasisKind,
    Denied,
    Unproven,
    at_door,
    basis_of,
    of_person,
    with_ticket,
)

CHECKS_AT_ONCE: Final = 1
"""Passwords that are checked at a time; one takes 50 ms of a core."""

MOST_CHECKS_WAITING: Final = 40
"""Checks that wait for their turn; more are refused."""

LOGIN_REMEMBERED_S: Final = 300.0
"""Time for which a password that was right over HTTP is not checked again [s]."""

MOST_REMEMBERED: Final = 1000

WRONG_PASSWORD: Final = "the name or the password is wrong"

Decision = Admitted | Denied


class Logins:
    """Decides about logins.

    Parameters
    ----------
    book : Book
        The people and secrets.
    fits : callable
        Says whether a password has a hash (`ocsd.access.passwords.fits`); called in a thread.
    in_thread : callable
        Calls a function with arguments in a thread; returns a Deferred.
    now : callable
        Returns the time [s, monotonic].
    """

    def __init__(
        self,
        book: Book,
        fits: Callable[[str, str | None], bool],
        in_thread: Callable[..., "Deferred[Any]"],
        now: Callable[[], float],
    ) -> None:
        self.book = book
        self._fits = fits
        self._in_thread = in_thread
        self._now = now
        self._turns = DeferredSemaphore(CHECKS_AT_ONCE)
        self._waiting = 0
        self._by_person = Attempts(PERSON_LIMIT)
        self._by_address = Attempts(ADDRESS_LIMIT)
        self._at_door = Attempts(DOOR_LIMIT)
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, tuple[float, Any, Admitted]] = OrderedDict()

    def turned_away(self, address: str) -> bool:
        """Whether connections from an address are closed at once, after too many failures."""
        return self._at_door.wait_s(address, self._now()) > 0

    def guessed(self, address: str) -> None:
        """Count somebody who asks for a URL that there is not."""
        self._at_door.failed(address, self._now())

    def at_door(self, who: Applicant) -> Decision | Unproven:
        """Decide about somebody who has said what login it wants."""
        return at_door(self.book.premises, who)

    def proven(self, who: Applicant, proof: str) -> "Deferred[Decision]":
        """Decide about somebody who has shown a ticket or a password."""
        now_s = self._now()
        login = tickets.login_of(who.authid)
        if login is not None:
            # Nobody guesses a ticket, so those that are wrong keep no right one out.
            decision = with_ticket(self.book.premises, login, proof)
            if isinstance(decision, Denied):
                self._at_door.failed(who.peer, now_s)
            return succeed(decision)
        pair = f"{who.authid}@{who.peer}"
        wait_s = max(self._by_person.wait_s(pair, now_s), self._by_address.wait_s(who.peer, now_s))
        if wait_s > 0:
            self._at_door.failed(who.peer, now_s)
            return succeed(Denied(f"too many logins have failed; try again in {wait_s:.0f} s"))
        if self._waiting >= MOST_CHECKS_WAITING:
            return succeed(Denied("too many people log in at this moment; try again in 10 s"))
        # It counts as failed until it is checked, so that many at once are refused at once.
        self._by_person.failed(pair, now_s)
        self._by_address.failed(who.peer, now_s)
        checked: Deferred[Decision] = self._with_password(who.authid, proof)
        return checked.addCallback(self._counted, who, pair)

    def over_http(
        self, who: Applicant, proof: str, let_in: Callable[[Admitted, str], None]
    ) -> "Deferred[Decision]":
        """Decide like `proven`, and remember a password that was right for a while.

        `let_in` is told who was let in from where, but not again while that is remembered.
        """
        mark = hmac.digest(self._key, f"{who.authid}\0{proof}".encode(), hashlib.sha256)
        until_s, entry, admitted = self._right.get(mark, (0.0, None, None))
        if admitted and self._now() < until_s and self.book.entry(admitted.basis) == entry:
            return succeed(admitted)
        return self.proven(who, proof).addCallback(self._remember, mark, who.peer, let_in)

    def _remember(
        self, decision: Decision, mark: bytes, peer: str, let_in: Callable[[Admitted, str], None]
    ) -> Decision:
        if isinstance(decision, Admitted):
            let_in(decision, peer)
            entry = self.book.entry(decision.basis)
            self._right[mark] = self._now() + LOGIN_REMEMBERED_S, entry, decision
            while len(self._right) > MOST_REMEMBERED:
                self._right.popitem(last=False)
        return decision

    @inlineCallbacks
    def _with_password(self, name: str, password: str) -> Any:
        self._waiting += 1
        try:
            person = self.book.person(name)
            known = None if person is None else person.password
            right = yield self._turns.run(self._in_thread, self._fits, password, known)
        finally:
            self._waiting -= 1
        # It may have changed meanwhile.
        if not right or person is None or self.book.person(name) != person:
            return Denied(WRONG_PASSWORD)
        return of_person(name, person.role, basis_of(BasisKind.PERSON, name))

    def _counted(self, decision: Decision, who: Applicant, pair: str) -> Decision:
        if isinstance(decision, Admitted):
            self._by_person.succeeded(pair)
            self._by_address.excused(who.peer)
        else:
            self._at_door.failed(who.peer, self._now())
        return decision
