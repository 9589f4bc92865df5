"""The client that calls an agent: the router's facts about it, and its own words.

Nothing checks what a client says of itself, so the two are kept apart. A client introduces itself
in its HELLO (`greeting`) or, over HTTP and from browsers, in the header ``User-Agent``. ocsd's
router passes the words on, together with the address from which they came, as the
client's authid (`ocsd.router.callers`); any other router tells its own authid, or nothing.

A client can name somebody else as the origin of its message (``forward_for``), and crossbar tells
that name to the receiver. `true_sender` finds the session that the router itself added.

The module imports neither Twisted nor autobahn: the command line uses it as well.
"""

import getpass
import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ocsd.text.printable import one_line

BRIDGE_ROLE: Final = "ocs-bridge"
"""Role of the router's HTTP bridge, which no other client gets."""

OPEN_ROLES: Final = frozenset({"", "ocs", BRIDGE_ROLE})
"""Roles of clients of which the router knows neither name nor rights."""

HOST_ROLE: Final = "host"
"""Role of a host's daemon and page, which call for people that have logged in there."""

SPEAKERS: Final = frozenset({BRIDGE_ROLE, HOST_ROLE})
"""Roles of clients that the router lets call in the name of others."""

LONGEST_WORDS: Final = 120
"""Length of a client's words about itself at most [characters]."""

_KEY: Final = "client"
_OURS: Final = re.compile(r"(?P<program>.+) \((?P<person>[^()@]+@[^()@]+)\)")
_PLACE: Final = re.compile(r"tcp\d?:\S+|unix(?::\S*)?")


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that called."""

    session: int | None = None
    """Its WAMP session; None if the router does not tell."""
    authid: str = ""
    authrole: str = ""
    """Its name and role for the router."""
    peer: str = ""
    """The address from which it is connected, e.g. ``tcp4:10.0.0.5:53122``; may be empty."""
    words: str = ""
    """Its own words about itself, e.g. ``ocs-client-cli (simon@grumpy)``; may be empty."""

    @property
    def role(self) -> str:
        """The role that the router gives it, which says what it may do."""
        return self.authrole

    def __str__(self) -> str:
        """Return it for an operator; all before the comma is the client's own word."""
        if self.session is None:
            return "an unknown client"
        host = self._host()
        if self.authid and self.authrole not in OPEN_ROLES:
            who = f"{self.authid} ({self.authrole})"
            return ", from ".join(filter(None, (who, host)))
        who = "a client"
        # Only the router speaks behind a comma.
        words = self.words.replace(",", ";")
        if ours := _OURS.fullmatch(words):
            who = f"{ours['person']} ({ours['program']})"
        elif words:
            who = f"a client ({words})"
        if host:
            return f"{who}, from {host}"
        if self.authid:
            return f"{who}, authid {self.authid}"
        return who

    def as_json(self) -> dict[str, Any]:
        """Return it for clients: the router's facts apart from its own words."""
        facts = None
        if self.session is not None:
            facts = {
                "session": self.session,
                "authid": self.authid,
                "authrole": self.authrole,
                "peer": self.peer,
            }
        return {"name": str(self), "says": self.words, "router": facts}

    def _host(self) -> str:
        kind, _, rest = self.peer.partition(":")
        if kind == "unix":
            return "this machine"
        return rest.rpartition(":")[0]


UNKNOWN_CLIENT: Final = Caller()
"""A client of which the router tells nothing."""


def true_sender(forward_for: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the true sender of a message that claims to be forwarded.

    Parameters
    ----------
    forward_for : sequence of dict
        The sessions through which it has come, each with ``session``, ``authid`` and
        ``authrole``. The router adds the last one, its sender. All before it are the sender's
        word, which counts only if the sender is the router's HTTP bridge, or a bridge that has
        joined as its host: a closed router has then checked it (`ocsd.router.guard.forwarding`).
    """
    sender = forward_for[-1]
    if sender.get("authrole") in SPEAKERS and len(forward_for) > 1:
        return forward_for[-2]
    return sender


def caller_of(details: Any) -> Caller:
    """Return the caller that autobahn's details of a call name.

    The details are those of a `ocsd.bus.wamp.RouterLink`, which names the true caller.
    """
    if details is None or details.caller is None:
        return UNKNOWN_CLIENT
    return _caller(details.caller, details.caller_authid or "", details.caller_authrole or "")


def on_behalf(client: Caller, claim: object) -> Caller:
    """Return the person for whom a client calls, which only a host may claim.

    Parameters
    ----------
    client : Caller
        The true caller.
    claim
        Its argument ``caller``: ``{person, role, address}``, as the page of a host sends it.
    """
    if client.role != HOST_ROLE or not isinstance(claim, Mapping):
        return client
    person, role, address = (str(claim.get(key) or "") for key in ("person", "role", "address"))
    if role == HOST_ROLE:
        role = ""  # A person is none.
    return Caller(client.session, one_line(person)[:LONGEST_WORDS], role, one_line(address))


def _caller(session: int, authid: str, role: str) -> Caller:
    peer, _, words = authid.partition(" ")
    if not _PLACE.fullmatch(peer):
        return Caller(session, one_line(authid)[:LONGEST_WORDS], role)
    user = ""
    if role not in OPEN_ROLES and peer.startswith("unix:"):
        user = peer.removeprefix("unix:")  # a closed router vouches for the user there
    return Caller(session, user, role, peer, one_line(words)[:LONGEST_WORDS])


def authid_of(peer: str, words: object) -> str:
    """Return the authid that ocsd's router gives to a client at `peer` that says `words`."""
    return f"{peer} {one_line(str(words or ''))[:LONGEST_WORDS]}".strip()


def words_of(greeting: object, headers: Mapping[str, str]) -> str:
    """Return a client's words about itself, from its HELLO or from the header of its request."""
    if isinstance(greeting, Mapping) and greeting.get(_KEY):
        return str(greeting[_KEY])
    return headers.get("user-agent", "")


def user_name() -> str:
    """Return the name of this process's user; its number if it has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def own_words(program: str = "") -> str:
    """Return this process's words about itself; `program` is the script's name by default."""
    program = program or os.path.basename(sys.argv[0] or sys.executable)
    if program.startswith("-"):
        program = "python"  # `python -c`
    return one_line(f"{program} ({user_name()}@{socket.gethostname()})")


def greeting(program: str = "") -> dict[str, str]:
    """Return the part of a HELLO with which a WAMP client says who it is (authextra)."""
    return {_KEY: own_words(program)}
