"""The guard of this process: the decisions, the files behind them, and the sessions they admit."""

import os
import time
from pathlib import Path
from typing import Any, Final

from ocsd.access.rules import Party
from ocsd.bus.caller import BRIDGE_ROLE
from ocsd.router.guard.book import Book
from ocsd.router.guard.census import Census
from ocsd.router.guard.door import Admitted, Applicant, BasisKind, Unproven
from ocsd.router.guard.facts import guard_file
from ocsd.router.guard.logins import Decision, Logins
from ocsd.router.guard.refusal_log import RefusalLog
from ocsd.router.guard.verdicts import Verdicts

REFRESH_S: Final = 1.0
"""Period at which the files are looked at [s]."""

JOIN_LIMIT_S: Final = 20.0
"""Time from an open transport to a joined realm [s]; then it is closed."""

WITHDRAWN: Final = "this login has been withdrawn"

_CLOSE_LIMIT_S: Final = 1.0


class Guard:
    """Keeps the parts together.

    Parameters
    ----------
    file : Path
        The facts of the site (`ocsd.router.guard.facts`).
    reactor : object
        Twisted's reactor, which has started or will.
    """

    def __init__(self, file: Path, reactor: Any) -> None:
        from twisted.internet.task import LoopingCall
        from twisted.internet.threads import deferToThread

        self.book = Book(file)
        if self.book.facts.notify_socket:
            os.environ["NOTIFY_SOCKET"] = self.book.facts.notify_socket
        self.refusals = RefusalLog(time.time)
        self.census = Census(file.parent, time.time)
        self.verdicts = Verdicts(self.book.rules)
        self.logins = Logins(self.book, _fits, deferToThread, time.monotonic)
        self._reactor = reactor
        self._sessions: dict[Any, tuple[Admitted, Any]] = {}
        self._refreshing = LoopingCall(self.refresh)
        reactor.callWhenRunning(self._refreshing.start, REFRESH_S, now=False)

    def at_door(self, who: Applicant, kind: str = "", secret: str = "") -> Decision | Unproven:
        """Decide about somebody who has said what login it wants, or has come by a URL.

        `kind` and `secret` are those of the path of a capability URL.
        """
        if kind:
            return self.book.by_url(kind, secret)
        return self.logins.at_door(who)

    def admit(self, session: Any, admitted: Admitted, peer: str) -> None:
        """Note that a session joins as a party."""
        session.party = admitted.party
        session.is_published = admitted.is_published
        session.peer = peer
        self._sessions[session] = admitted, self.book.entry(admitted.basis)
        self.let_in(admitted, peer)

    def let_in(self, admitted: Admitted, peer: str) -> None:
        """Report that somebody was let in, if it is a person."""
        if admitted.basis.startswith(BasisKind.PERSON):
            self.refusals.joined(admitted.party, peer)

    def leave(self, session: Any) -> None:
        """Note that a session has ended."""
        self._sessions.pop(session, None)

    def party_of(self, session: Any, message: Any) -> Party | None:
        """Return who asks for something: for a call of the HTTP bridge its client."""
        party: Party | None = getattr(session, "party", None)
        if session._authrole != BRIDGE_ROLE:  # noqa: SLF001 - crossbar has no other way
            return party
        client = (getattr(message, "forward_for", None) or [None])[-1]
        if client is None:
            return None
        return Party(client["authid"], client["authrole"])

    def refresh(self) -> None:
        """Do what is due each second; a failure of one part keeps no other part from its work."""
        for part in (self._read_anew, self.refusals.flush, self.census.write):
            try:
                part()
            except Exception as error:  # noqa: BLE001 - after one the loop would never come again
                self.refusals.fault(f"the guard could not do all of its work: {error!r}")

    def _read_anew(self) -> None:
        """Read what has changed, and end the sessions that have lost what they rest on."""
        why = self.book.refresh()
        if why:
            self.refusals.fault(f"what was known before stays in force: {why}")
        if self.verdicts.site != self.book.rules:
            self.verdicts.site = self.book.rules
        for session, (admitted, entry) in list(self._sessions.items()):
            if admitted.basis and self.book.entry(admitted.basis) != entry:
                self._withdraw(session, admitted)

    def _withdraw(self, session: Any, admitted: Admitted) -> None:
        """End a session, whether or not its client agrees."""
        self.leave(session)
        session.party = None
        transport = session._transport  # noqa: SLF001 - crossbar has no other way
        if transport is None:
            return
        self._reactor.callLater(_CLOSE_LIMIT_S, _abort, session)
        self.refusals.told(admitted.party, session.peer, "join", WITHDRAWN)
        try:
            session.leave("wamp.error.not_authorized", WITHDRAWN)
        except Exception as error:  # noqa: BLE001 - it is leaving, or its transport is closing
            self.refusals.fault(f"a session is closed without a farewell: {error!r}")


def _abort(session: Any) -> None:
    """Close the transport of a session whose client has not closed it."""
    transport = session._transport  # noqa: SLF001 - crossbar has no other way
    if transport is not None:
        transport.transport.abortConnection()


def _fits(password: str, known: str | None) -> bool:
    from ocsd.access import passwords

    return passwords.fits(password, known)


_guard: list[Guard] = []


def the_guard() -> Guard:
    """Return the guard of this process, which reads its files when it is first asked for."""
    if not _guard:
        from twisted.internet import reactor

        file = guard_file()
        if file is None:
            raise RuntimeError("this router has no guard")
        _guard.append(Guard(file, reactor))
    return _guard[0]
