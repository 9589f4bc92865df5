"""The people on other hosts for whom the router brings a request."""

from collections.abc import Mapping
from typing import Final

from ocsd.access.roles import Role
from ocsd.bus.caller import HOST_ROLE, Caller, on_behalf
from ocsd.daemon.api.askers import LONGEST_PERSON, Asker
from ocsd.errors import NotPermittedError
from ocsd.text.printable import one_line

_THROUGH: Final = "through the site's router"


def claim_of(asker: Asker, host: str) -> dict[str, str]:
    """Return what the daemon of `host` says of a person to another host."""
    person = asker.person
    if asker.says:
        person = f"{asker.says}, through {person}"
    address = asker.address.replace("this machine", f"host {host}")
    return {"person": person, "role": asker.role, "address": address}


def is_daemon(client: Caller, body: Mapping[str, object], is_closed: bool) -> bool:
    """Return whether a request is a daemon's own, and not one for a person there."""
    return "caller" not in body and (not is_closed or client.role == HOST_ROLE)


def asker_of(client: Caller, claim: object, is_closed: bool) -> Asker:
    """Return the person for whom a client of the router asks.

    On a closed site only a host's daemon speaks for others, and the client's role is the router's
    word. On an open one nobody's word is checked: a claim is taken as the client's words.

    Parameters
    ----------
    client : Caller
        The true caller.
    claim
        Its argument ``caller``, from `claim_of`.
    is_closed : bool
        Whether the site is closed.
    """
    if not is_closed:
        return _of_open_site(client, claim)
    who = on_behalf(client, claim)
    if who is client and who.role == HOST_ROLE:
        # Whoever has the key of a host is its owner.
        who = Caller(who.session, who.authid, Role.ADMIN, who.peer or f"host {who.authid}")
    person, place = who.authid or "somebody", who.peer or "an unknown place"
    return Asker(f"{person}, from {place}, {_THROUGH}", person, who.role or "nobody", place)


def _of_open_site(client: Caller, claim: object) -> Asker:
    if not isinstance(claim, Mapping):
        return Asker(f"{client}, {_THROUGH}", str(client), "", client.peer)
    person, place = (
        one_line(str(claim.get(key) or ""))[:LONGEST_PERSON] for key in ("person", "address")
    )
    text = f"{person or 'somebody'}, from {place or 'an unknown place'}, {_THROUGH}"
    return Asker(text, person, "", place or client.peer, str(client))


def refuse_strangers_files(is_closed: bool, is_local: bool, takes_files: bool) -> None:
    """Refuse a site file that comes over an open router which other machines reach.

    A site file says what programs run: whoever could send one to such a router would own all
    hosts.

    Raises
    ------
    NotPermittedError
        If it is one, and the site file does not say that it is meant to be so.
    """
    if is_closed or is_local or takes_files:
        return
    raise NotPermittedError(
        "site files are not handed over an open router that other machines reach, because anybody "
        "there could send one, and it says what programs run; close the site "
        "(docs/run/security.md), or write `take_files: true` below `hub` in the site file of "
        "each host, if all machines that reach the router may do anything to this site"
    )
