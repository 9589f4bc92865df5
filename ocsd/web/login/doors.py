"""The doors of the page: decide for each request who the client is, and carry out logins."""

import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ocsd.audit.entry import AuditKind, AuditOutcome
from ocsd.audit.notes import Notes
from ocsd.errors import UsageError
from ocsd.text.printable import one_line
from ocsd.web.login.attempts import LoginAttempts
from ocsd.web.login.people import People
from ocsd.web.login.sessions import LONGEST_LOGIN_S, LoginSessions, name_of
from ocsd.web.login.viewer import ForbiddenError, Viewer
from ocsd.web.refusals import RequestRefusedError
from ocsd.web.work import Work

BY_SOCKET: Final = "unix"
"""The word for the web server at the other end of the page's Unix socket."""
LONGEST_CREDENTIAL: Final = 1024
"""Length of a name or password, at most [characters]."""

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_WRONG_LOGIN: Final = "name or password is wrong"
_NO_ROLE: Final = (
    "is not among the people of this site; an admin may change that: ocsd access user add"
)


class LoginNeededError(RequestRefusedError):
    """The site is closed, and nobody has logged in; open the page and log in."""

    code = 401


class TooManyAttemptsError(RequestRefusedError):
    """There were too many logins of this name, or from this address; wait."""

    code = 429


class Knock(NamedTuple):
    """The part of a request by which it is decided who the client is."""

    address: str | None
    """The address of the connection; None: through the page's Unix socket."""
    header: Callable[[str], str]
    """Returns a header by its name; empty if there is none."""


@dataclass(frozen=True)
class Trusted:
    """The web servers in front of the page that say who the client is.

    Parameters
    ----------
    words : sequence of str
        Addresses, networks, or `BY_SOCKET`.
    """

    words: Sequence[str] = ()
    by_socket: bool = False
    """Whether the one at the Unix socket is believed without being named, as on an open site."""

    def believes(self, address: str | None) -> bool:
        """Return whether the client at an address is such a web server."""
        if address is None:
            return self.by_socket or BY_SOCKET in self.words
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        networks = (ipaddress.ip_network(each) for each in self.words if each != BY_SOCKET)
        return any(mapped in network for network in networks)

    def place(self, knock: Knock) -> str:
        """Return the address of the client itself."""
        if self.believes(knock.address):
            # The last one: those before it are what the client itself has sent.
            forwarded = knock.header("x-forwarded-for").rpartition(",")[2].strip()
            if forwarded:
                return one_line(forwarded)[:60]
        if knock.address is None or knock.address in _THIS_MACHINE:
            return "this machine"
        return knock.address

    def person(self, knock: Knock) -> str:
        """Return the person that a web server has let in; empty if there is none."""
        if not self.believes(knock.address):
            return ""
        return one_line(knock.header("x-remote-user").strip())[:60]


@dataclass(frozen=True)
class OpenDoors:
    """The page of an open site: everybody may do everything."""

    trusted: Trusted

    is_closed = False

    def viewer(self, knock: Knock) -> Viewer | None:
        """Return the client."""
        return Viewer(self.trusted.person(knock), "", self.trusted.place(knock))

    def still(self, _viewer: Viewer) -> bool:
        """Return whether a client may go on."""
        return True

    def forbidden(self, _viewer: Viewer, _action: str, _target: str, _reason: str) -> None:
        """Write down nothing: nobody lacks a role."""

    def unknown(self, _knock: Knock, _action: str, _target: str, _reason: str) -> None:
        """Write down nothing: nobody has to log in."""


@dataclass(eq=False)
class ClosedDoors:
    """The page of a closed site."""

    people: People
    sessions: LoginSessions
    trusted: Trusted
    work: Work
    """Threads in which passwords are checked."""
    notes: Notes
    cookie: str
    """The name of the cookie: pages of several hosts may share a name of the machine."""
    path: str = "/"
    clock: Callable[[], float] = time.monotonic
    attempts: LoginAttempts = field(default_factory=LoginAttempts)

    is_closed = True

    def viewer(self, knock: Knock) -> Viewer | None:
        """Return the client of a request; None if nobody has logged in.

        Raises
        ------
        ForbiddenError
            If a web server has let in somebody who is not of this site.
        """
        place = self.trusted.place(knock)
        if person := self.trusted.person(knock):
            role = self.people.role_now(person, float("inf"), "")
            if not role:
                self.refused("login", person, place, f"{person} {_NO_ROLE}")
                raise ForbiddenError(f"{person} {_NO_ROLE} {person}")
            return Viewer(person, role, place)
        name = self._name(knock)
        login = self.sessions.find(name)
        if login is None:
            return None
        role = self.people.role_now(login.person, login.since_at, login.role)
        if role is None:
            self.sessions.close(name)
            return None
        return Viewer(login.person, role, place, name)

    def still(self, viewer: Viewer) -> bool:
        """Return whether a client that came in may go on, with the same role."""
        if not viewer.session:
            return self.people.role_now(viewer.person, float("inf"), "") == viewer.role
        login = self.sessions.find_quietly(viewer.session)
        if login is None:
            return False
        return self.people.role_now(login.person, login.since_at, login.role) == viewer.role

    async def log_in(self, name: Any, password: Any, knock: Knock) -> tuple[Viewer, str]:
        """Let a person in; return the client and the cookie.

        Raises
        ------
        UsageError, TooManyAttemptsError, LoginNeededError, OcsdError
            If that is refused, or cannot be found out.
        """
        if not isinstance(name, str) or not isinstance(password, str) or not name:
            raise UsageError('a login needs {"name": "NAME", "password": "PASSWORD"}')
        place = self.trusted.place(knock)
        name = one_line(name)[:LONGEST_CREDENTIAL]
        if wait_s := self.attempts.take(name, place, self.clock()):
            why = f"too many logins; wait {max(1, round(wait_s))} s and try again"
            self.refused("login", name, place, "too many logins")
            raise TooManyAttemptsError(why)
        role = await self.work.do(self.people.checked, name, password[: LONGEST_CREDENTIAL + 1])
        if role is None:
            self.refused("login", name, place, _WRONG_LOGIN)
            raise LoginNeededError(
                f"{_WRONG_LOGIN}; an admin may set another: ocsd access user passwd"
            )
        self.attempts.succeeded(name, place)
        token = self.sessions.open(name, role, place)
        self.notes.add("login", person=name, role=role, address=place)
        return Viewer(name, role, place, name_of(token)), self._cookie(token, LONGEST_LOGIN_S)

    def log_out(self, viewer: Viewer) -> str:
        """Let a person out; return the cookie that ends the old one."""
        self.sessions.close(viewer.session)
        facts = {"person": viewer.person, "role": viewer.role, "address": viewer.place}
        self.notes.add("logout", **facts)
        return self._cookie("", 0)

    def refused(self, action: str, name: str, place: str, reason: str) -> None:
        """Write down that a person who gave this name was refused."""
        self.notes.add(action, AuditOutcome.REFUSED, target=name, address=place, reason=reason)

    def forbidden(self, viewer: Viewer, action: str, target: str, reason: str) -> None:
        """Write down that the role of a person was not enough for a change."""
        person = {"person": viewer.person, "role": viewer.role, "address": viewer.place}
        self._changed_nothing(action, target=target, reason=reason, **person)

    def unknown(self, knock: Knock, action: str, target: str, reason: str) -> None:
        """Write down that somebody who has not logged in asked for a change."""
        place = self.trusted.place(knock)
        self._changed_nothing(action, target=target, reason=reason, address=place)

    def _changed_nothing(self, action: str, **facts: str) -> None:
        self.notes.add(action, AuditOutcome.REFUSED, kind=AuditKind.CHANGE, **facts)

    def _name(self, knock: Knock) -> str:
        for each in knock.header("cookie").split(";"):
            name, _, token = each.strip().partition("=")
            if name == self.cookie and token:
                return name_of(token)
        return ""

    def _cookie(self, token: str, age_s: float) -> str:
        # Secure also on loopback: browsers take http://localhost for safe.
        return (
            f"{self.cookie}={token}; Max-Age={age_s:.0f}; Path={self.path}; "
            "HttpOnly; Secure; SameSite=Strict"
        )


Doors = OpenDoors | ClosedDoors
