"""Tickets of agents and hosts: derived from a secret, so that no list of them is needed.

The hub host holds the secret of the site. The key of a host is derived from it, and a ticket from
the key, so the router checks the ticket of an instance that was added a moment ago without being
told. A host has its own key only, and can make no ticket of another one. A new generation
of a key makes the tickets of the old one worthless.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, NamedTuple

SECRET_BYTES: Final = 32
"""Size of a site's secret and of a host's key [bytes]."""


class Login(NamedTuple):
    """The authid with which a program logs in: ``INSTANCE@HOST``, or ``@HOST`` of a daemon."""

    instance_id: str
    """Empty: the host's daemon."""
    host: str

    def __str__(self) -> str:
        """Return the authid."""
        return f"{self.instance_id}@{self.host}"

    @property
    def name(self) -> str:
        """The name that the router gives to the session: the instance-id, or the host."""
        return self.instance_id or self.host


def login_of(authid: str) -> Login | None:
    """Return the login that an authid stands for; None if it is a person's name."""
    instance_id, separator, host = authid.partition("@")
    if not separator or not host:
        return None
    return Login(instance_id, host)


def host_key(secret: bytes, host: str, generation: int = 1) -> bytes:
    """Return the key of a host, from the secret of its site."""
    return _derived(secret, f"host:{generation}:{host}")


def ticket_of(key: bytes, login: Login) -> str:
    """Return the ticket of a program on the host that has this key."""
    kind = "agent"
    if not login.instance_id:
        kind = "daemon"
    return base64.urlsafe_b64encode(_derived(key, f"{kind}:{login}")).rstrip(b"=").decode()


def is_right(secret: bytes, generations: Mapping[str, int], login: Login, ticket: str) -> bool:
    """Say whether a ticket is that of a program.

    Parameters
    ----------
    secret : bytes
        The secret of the site.
    generations : mapping of str to int
        The present generation of the key of each host of the site.
    login : Login
        The login that the program asks for.
    ticket : str
        Its proof.
    """
    generation = generations.get(login.host)
    # A host that is not of the site takes as long as one that is.
    fits = is_of_key(host_key(secret, login.host, generation or 0), login, ticket)
    return fits and generation is not None


def is_of_key(key: bytes, login: Login, ticket: str) -> bool:
    """Say whether a ticket is that of a program on the host that has this key."""
    expected = ticket_of(key, login)
    return hmac.compare_digest(expected.encode(), ticket.encode(errors="replace"))


def _derived(secret: bytes, text: str) -> bytes:
    return hmac.digest(secret, text.encode(errors="surrogatepass"), hashlib.sha256)
