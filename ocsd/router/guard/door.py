"""The decisions about a login: who may come in. They are free of crossbar and of files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ocsd.access import tickets
from ocsd.access.local import role_of_local
from ocsd.access.roles import PERSONS, Role
from ocsd.access.rules import Party
from ocsd.access.tickets import Login

OPEN_ROLE: Final = str(Role.OCS)
"""Role of everybody who joins an open router without a login."""


class Door(StrEnum):
    """The kinds of transports."""

    SOCKET = "the Unix socket"
    TLS = "TLS"
    OPEN = "the open port"


class BasisKind(StrEnum):
    """The kinds of entries of the files on which a session can rest."""

    PERSON = "person"
    URL = "url"
    HOST = "host"
    USER = "user"
    """A user of this machine, who may be in the files."""


def basis_of(kind: BasisKind, name: str) -> str:
    """Return the words for an entry of the files."""
    return f"{kind} {name}"


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody who wants to join."""

    door: Door
    peer: str
    """Its address for people, e.g. ``10.0.0.5``, or ``unix:simon``."""
    authid: str = ""
    """The login that it asks for; empty if it asks for none."""
    uid: int | None = None
    """Its user, at the Unix socket."""
    user: str = ""
    """The name of that user."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """May join, as this party."""

    party: Party
    is_published: bool = False
    """Whether it came by a capability URL of an agent: its operations are guarded here."""
    basis: str = ""
    """The entry of the files on which this rests (`basis_of`); empty for none."""


@dataclass(frozen=True, slots=True)
class Denied:
    """May not join."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """Has to show a ticket or a password."""


@dataclass(frozen=True, slots=True)
class Premises:
    """The facts on which the decisions rest."""

    host: str
    """The hub's host."""
    owner_uid: int
    """The user of the router and its daemon."""
    is_closed: bool
    homes: Mapping[str, str] = field(default_factory=dict)
    directors: frozenset[str] = frozenset()
    generations: Mapping[str, int] = field(default_factory=dict)
    """The present generation of the key of each host."""
    secret: bytes = field(default=b"", repr=False)
    users: Mapping[str, str] = field(default_factory=dict)
    """The roles of users of this machine (`ocsd.access.local`)."""
    key: bytes = field(default=b"", repr=False)
    """On a host with a router of its own: its key. It lets in the programs of this host only, and
    there is no `secret`."""


def at_door(premises: Premises, who: Applicant) -> Admitted | Denied | Unproven:
    """Decide about somebody who has said what login it wants."""
    if who.authid:
        return Unproven()
    if who.door is Door.OPEN:
        return Admitted(Party(who.peer, OPEN_ROLE))
    if who.door is Door.SOCKET:
        return _of_user(premises, who)
    return Denied(
        "this site is closed: log in with a name and a password, or use the URL that "
        "`ocsd access agent-url NAME` shows on the hub"
    )


def _of_user(premises: Premises, who: Applicant) -> Admitted | Denied:
    """Admit somebody at the Unix socket by the user of its process."""
    if not premises.is_closed:
        return Admitted(Party(who.peer, OPEN_ROLE))
    if who.uid is None:
        return Denied("the kernel does not tell whose process this is")
    name = who.user or str(who.uid)
    role = role_of_local(who.uid, name, premises.owner_uid, premises.users)
    if who.uid in (0, premises.owner_uid):
        role = Role.HOST  # the daemon's own programs are among them
    return Admitted(Party(f"unix:{name}", str(role)), basis=basis_of(BasisKind.USER, name))


def with_ticket(premises: Premises, login: Login, ticket: str) -> Admitted | Denied:
    """Decide about an agent or a daemon that has shown its ticket."""
    if not _is_right(premises, login, ticket):
        return Denied(
            f"the ticket of {login} is wrong or out of date; on the hub: ocsd access host "
            f"{login.host}; on {login.host}: ocsd access join BUNDLE, then ocsd reload"
        )
    basis = basis_of(BasisKind.HOST, login.host)
    if not login.instance_id:
        return Admitted(Party(login.host, str(Role.HOST)), basis=basis)
    home = premises.homes.get(login.instance_id, login.host)
    if home != login.host:
        return Denied(
            f"{login.instance_id!r} is an instance of host {home!r} in the site file of the hub, "
            f"not of {login.host!r}; correct the site file and reload the hub's daemon"
        )
    return Admitted(agent_party(premises, login.instance_id), basis=basis)


def _is_right(premises: Premises, login: Login, ticket: str) -> bool:
    if premises.key:
        is_of_key = tickets.is_of_key(premises.key, login, ticket)
        return is_of_key and login.host == premises.host
    return tickets.is_right(premises.secret, premises.generations, login, ticket)


def agent_party(premises: Premises, instance_id: str) -> Party:
    """Return the party of an agent, which may be the site's director."""
    return Party(instance_id, agent_role(premises.directors, instance_id))


def agent_role(directors: Collection[str], instance_id: str) -> str:
    """Return the role of an agent."""
    return str(Role.DIRECTOR if instance_id in directors else Role.AGENT)


def of_person(name: str, role: str, basis: str) -> Admitted | Denied:
    """Decide about somebody who has proven to be a person, or has a URL of one."""
    if role not in PERSONS:
        return Denied(f"{name!r} has the role {role!r}, which is none of a person")
    return Admitted(Party(name, role), basis=basis)
