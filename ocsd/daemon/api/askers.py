"""The clients of the control API: who they are, and what they may ask for on a closed site."""

import pwd
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ocsd.access.local import role_of_local
from ocsd.access.roles import PERSONS, Role
from ocsd.errors import NotPermittedError
from ocsd.system.peer import Peer, login_of, peer_of
from ocsd.text.printable import one_line

LONGEST_PERSON: Final = 160
"""Length of the words of a program about its user [characters]."""

LEAST_ROLES: Final[Mapping[str, str]] = {
    "status": Role.VIEWER,
    "events": Role.VIEWER,
    "hooks": Role.VIEWER,
    "up": Role.OPERATOR,
    "down": Role.OPERATOR,
    "restart": Role.OPERATOR,
    "audit": Role.OPERATOR,
    "alarms": Role.VIEWER,
    "site": Role.VIEWER,
    "alarms/ack": Role.OPERATOR,
    "alarms/silence": Role.OPERATOR,
    "alarms/unsilence": Role.OPERATOR,
    "alarms/test": Role.OPERATOR,
    "reload": Role.EXPERT,
    "hook": Role.EXPERT,
    "file": Role.EXPERT,
    "take_file": Role.EXPERT,
    "put_back": Role.EXPERT,
    "stop": Role.ADMIN,
    "upgrade": Role.ADMIN,
}
"""The least role that each request needs on a closed site."""


class Asker(NamedTuple):
    """The client of a request."""

    text: str
    """The client for the history, e.g. ``alice (uid 1000, pid 4121)``."""
    person: str
    """The name that the kernel, or the login at the page, vouches for."""
    role: str
    """The role on a closed site; empty on an open one."""
    address: str
    says: str = ""
    """The words of a program about the person for whom it asks."""

    def facts(self) -> dict[str, str]:
        """Return what the audit journal has of it."""
        return {
            "person": self.person,
            "role": self.role,
            "address": self.address,
            "says": self.says,
        }


@dataclass(frozen=True)
class Askers:
    """Finds out who asks, and refuses what that person may not ask for."""

    is_closed: Callable[[], bool] = lambda: False
    """Returns whether the site is closed."""
    roles: Callable[[], Mapping[str, str]] = dict
    """Returns the roles of users of this machine, by name."""
    owner_uid: int = 0
    """The user of the daemon."""
    is_page: Callable[[int], bool] = lambda _: False
    """Returns whether a pid is that of the process that serves the page."""
    far: Callable[[int], Asker | None] = lambda _: None
    """Returns the person on another host for whom a process of a pid runs here."""

    def of(self, request: Any, body: Mapping[str, Any] | None = None) -> Asker:
        """Return the client of a request with this body."""
        return self._of(peer_of(request.channel.transport.getHandle()), body or {})

    def permitted(self, action: str, request: Any, body: Mapping[str, Any] | None = None) -> Asker:
        """Return the client of a request, if it may ask for that.

        Raises
        ------
        NotPermittedError
            If its role is not enough.
        """
        asker = self.of(request, body)
        refuse(asker, action)
        return asker

    def _of(self, peer: Peer, body: Mapping[str, Any]) -> Asker:
        far = self.far(peer.pid)
        if far is not None:
            return far
        text, says = named(peer), ""
        if body.get("by"):
            says = one_line(str(body["by"]))[:LONGEST_PERSON]
        address = f"this machine, uid {peer.uid}, pid {peer.pid}"
        caller = body.get("caller")
        if self.is_closed() and self.is_page(peer.pid):
            # The page has its own rights for nobody: it asks for people only.
            if not isinstance(caller, Mapping):
                caller = {"role": Role.VIEWER}
            person, role, place = (
                one_line(str(caller.get(key, "")))[:LONGEST_PERSON]
                for key in ("person", "role", "address")
            )
            text = f"{person or 'the page'}, from {place or 'this machine'}, through {text}"
            return Asker(text, person, role, place)
        if says:
            text = f"{says}, through {text}"
        return Asker(text, _person(peer), self._role(peer), address, says)

    def _role(self, peer: Peer) -> str:
        if not self.is_closed():
            return ""
        roles: Mapping[str, str] = {}
        if peer.uid not in {0, self.owner_uid}:
            # Only then, because a wrong file must not keep those out who can mend it.
            roles = self.roles()
        return role_of_local(peer.uid, user_name(peer.uid), self.owner_uid, roles)


def refuse(asker: Asker, action: str) -> None:
    """Refuse what the role of a client is not enough for; on an open site nothing.

    Raises
    ------
    NotPermittedError
        If it is not.
    """
    if not asker.role:
        return
    least = LEAST_ROLES[action]
    ranks = [str(role) for role in PERSONS]
    if asker.role in ranks and ranks.index(asker.role) >= ranks.index(least):
        return
    raise NotPermittedError(
        f"{action} needs the role {least} on this closed site, and {asker.person or 'nobody'} is "
        f"{asker.role}; ask an admin to change that: ocsd access user role, or access/unix.json"
    )


def named(peer: Peer) -> str:
    """Return a client as the kernel vouches for it, e.g. ``alice (uid 1000, pid 4121)``.

    Behind `sudo` it is root, and the user that logged in is named as well.
    """
    pid, uid, _ = peer
    text = f"{user_name(uid)} (uid {uid}, pid {pid})"
    login = login_of(pid)
    if login is None or login == uid:
        return text
    return f"{text}, logged in as {user_name(login)}"


def _person(peer: Peer) -> str:
    """Return the name of the user; behind `sudo` of the one that logged in."""
    login = login_of(peer.pid)
    if peer.uid == 0 and login is not None:
        return user_name(login)
    return user_name(peer.uid)


def user_name(uid: int) -> str:
    """Return the name of a user of this machine."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "a user without a name"
