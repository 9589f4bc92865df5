"""Changes to crossbar that let the guard decide who joins, and what a session may do."""

import pwd
from types import ModuleType
from typing import Any, Final

from ocsd.access.rules import Party
from ocsd.bus.caller import authid_of, words_of
from ocsd.reactor.threads import the_reactor
from ocsd.router.guard.door import OPEN_ROLE, Admitted, Applicant, Denied, Door, Unproven
from ocsd.router.guard.guard import JOIN_LIMIT_S, the_guard
from ocsd.router.guard.urls import secret_of
from ocsd.system.peer import peer_of

LONGEST_LOGIN: Final = 300
"""Length of the name of a login at most; of a longer one the rest is ignored [characters]."""

FIRST_MESSAGES_BYTES: Final = 2**16
"""Size of a message before somebody has joined; the limit afterwards is the configuration's."""

CLIENT_PEER: Final = "peer"
"""Where the HTTP bridge says from which place its client calls; agents do not get it."""

NOT_AUTHORIZED: Final = "wamp.error.not_authorized"
_Base: Any = object


def user_name_of(uid: int | None) -> str:
    """Return the name of a user; its number if it has none."""
    if uid is None:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def applicant(transport: Any, authid: str = "") -> Applicant:
    """Return who is at the other end of a transport of Twisted and asks for a login."""
    address, authid = transport.getPeer(), authid[:LONGEST_LOGIN]
    host = getattr(address, "host", None)
    if host is not None:
        door = Door.OPEN
        if hasattr(transport, "getPeerCertificate"):
            door = Door.TLS
        return Applicant(door, str(host), authid)
    peer = peer_of(transport.getHandle())
    uid = peer.uid if peer.pid else None
    name = user_name_of(uid)
    # A process of a container has no pid here, and the kernel does not vouch for its user.
    place = f"unix:{name}" if name else "unix"
    return Applicant(Door.SOCKET, place, authid, uid, name)


def limit_sizes(transport: Any, most_bytes: int | None = None) -> None:
    """Limit the messages of a WebSocket; None: as the configuration has it."""
    for name in ("maxFramePayloadSize", "maxMessagePayloadSize"):
        if hasattr(transport, name):
            setattr(transport, name, most_bytes or getattr(transport.factory, name))


class Admission(_Base):  # type: ignore[misc] # crossbar is untyped
    """The router's side of a session."""

    _transport: Any
    kinds: tuple[type, ...] = ()
    """The transports of clients; crossbar's own processes have others."""
    party: Party | None = None
    is_published = False
    peer = ""
    applicant: Applicant | None = None
    hello: Any = None
    _limit: Any = None

    def onOpen(self, transport: Any) -> None:
        """Limit the time for joining."""
        super().onOpen(transport)
        if isinstance(transport, self.kinds):
            self._limit = the_reactor().callLater(JOIN_LIMIT_S, self._too_slow)
            limit_sizes(transport, FIRST_MESSAGES_BYTES)

    def onHello(self, realm: str, details: Any) -> Any:
        """Answer a HELLO."""
        from autobahn.wamp.types import Challenge, Deny

        transport: Any = self._transport
        if not isinstance(transport, self.kinds):
            return super().onHello(realm, details)
        guard = the_guard()
        if realm != guard.book.facts.realm:
            return Deny("wamp.error.no_such_realm", f'no realm "{realm}" exists on this router')
        self.hello = details
        path = getattr(self._transport, "http_request_path", None) or ""
        wanted = ""
        if "ticket" in (details.authmethods or ()):
            wanted = str(details.authid or "")
        who = applicant(self._transport.transport, wanted)
        decision = guard.at_door(who, *secret_of(path))
        if not isinstance(decision, Unproven):
            return self._decided(decision, who)
        self.applicant = who
        return Challenge("ticket")

    def onAuthenticate(self, signature: str, extra: Any) -> Any:
        """Check a ticket or a password."""
        if self.applicant is None:
            return super().onAuthenticate(signature, extra)
        who, self.applicant = self.applicant, None
        decided = the_guard().logins.proven(who, str(signature))
        return decided.addCallback(self._decided, who)

    def onLeave(self, details: Any) -> None:
        """Forget the session."""
        if isinstance(self._transport, self.kinds) or self.party is not None:
            the_guard().leave(self)
        super().onLeave(details)

    def onClose(self, wasClean: bool) -> None:  # noqa: N803 - crossbar's name
        """End the limit."""
        self._end_limit()
        super().onClose(wasClean)

    def _decided(self, decision: Admitted | Denied, who: Applicant) -> Any:
        from autobahn.wamp.types import Accept, Deny

        guard = the_guard()
        if self._transport is None:
            return Deny(NOT_AUTHORIZED, "the client has gone")
        if isinstance(decision, Denied):
            guard.refusals.not_proven(who.authid, who.peer, "join", decision.reason)
            return Deny(NOT_AUTHORIZED, decision.reason)
        self._end_limit()
        limit_sizes(self._transport)
        guard.admit(self, decision, who.peer)
        shown = self._shown(decision.party, who)
        if who.door is Door.OPEN and decision.party.role == OPEN_ROLE:
            guard.census.joined(shown.partition(" ")[2] or "somebody", who.peer)
        return Accept(
            realm=guard.book.facts.realm,
            authid=shown,
            authrole=decision.party.role,
            authmethod="ticket" if who.authid else "anonymous",
            authprovider="ocsd",
            authextra=dict(self.hello.authextra or {}),
        )

    def _shown(self, party: Party, who: Applicant) -> str:
        """Return the authid that others see; only that of nobody in particular has words."""
        if who.authid or party.authid != who.peer:
            return party.authid
        details = self._transport.transport_details
        headers = getattr(details, "http_headers_received", None) or {}
        peer = party.authid
        if who.door is not Door.SOCKET:
            peer = self._transport.peer or peer
        return authid_of(peer, words_of(self.hello.authextra, headers))

    def _too_slow(self) -> None:
        self._limit = None
        if self._transport is not None and self._session_id is None:
            self._transport.transport.abortConnection()

    def _end_limit(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None and limit.active():
            limit.cancel()


def admit(session_module: ModuleType) -> None:
    """Let the guard decide who joins."""
    kinds = session_module.WampWebSocketServerProtocol, session_module.WampRawSocketServerProtocol
    bases = Admission, session_module.RouterSession
    # Not in the place of RouterSession, to which its own methods refer by name.
    session_module.RouterSessionFactory.session = type("Admitting", bases, {"kinds": kinds})
