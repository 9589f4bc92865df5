"""For whom the bridge of a host with a router of its own may speak. Pure.

It joins as its host (``@HOST``) at both ends and says in ``forward_for`` who calls at the other
router. At the site's router a host may speak for itself, for its agents and for people on it, who
are named after it: nobody there becomes another host, or an agent of another one. At the host's
own router it speaks for everybody else of the site: what the site's router says is true.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

from ocsd.access.roles import PERSONS, Role
from ocsd.access.rules import Party, SiteRules, is_leaf
from ocsd.router.guard.door import agent_role
from ocsd.text.printable import one_line

LONGEST_PARTY: Final = 120
"""Length of the name of a party at most [characters]."""

_AT_SOCKET: Final = "unix:"
_FROM_HUB: Final = frozenset({*PERSONS, Role.AGENT, Role.DIRECTOR, Role.HOST})


def speaker(rules: SiteRules, who: Party, chain: Sequence[Mapping[str, Any]]) -> Party | None:
    """Return the party for which a message is, as it is named here; None if it may not be.

    Parameters
    ----------
    rules : SiteRules
        The site.
    who : Party
        The session that sends the message.
    chain : sequence of dict
        Its ``forward_for``.
    """
    if not is_leaf(rules, who) or len(chain) != 1:
        return None
    name, role = (str(chain[0].get(key) or "") for key in ("authid", "authrole"))
    claimed = Party(one_line(name)[:LONGEST_PARTY], role)
    if rules.site_hub:
        return _from_hub(rules, claimed)
    return _from_leaf(rules, who.authid, claimed)


def rename(chain: Sequence[MutableMapping[str, Any]], party: Party) -> None:
    """Let a message name a party as `speaker` has named it."""
    chain[-1].update(authid=party.authid, authrole=party.role)


def _from_hub(rules: SiteRules, claimed: Party) -> Party | None:
    if claimed.role not in _FROM_HUB or not claimed.authid:
        return None
    if claimed.authid.startswith(_AT_SOCKET):
        return _on(rules.site_hub, claimed)
    return claimed


def _from_leaf(rules: SiteRules, leaf: str, claimed: Party) -> Party | None:
    name, role = claimed
    if not name:
        return None
    if role in PERSONS:
        return _on(leaf, claimed)
    if role == Role.HOST:
        if name == leaf:
            return claimed
        # Root, and the user of the daemon, have the key of the host.
        return _on(leaf, claimed) if name.startswith(_AT_SOCKET) else None
    is_its_agent = rules.homes.get(name, leaf) == leaf and role == agent_role(rules.directors, name)
    return claimed if is_its_agent and _is_name(name) else None


def _on(host: str, party: Party) -> Party | None:
    """Return a user of a machine, or a person there, under the name that is told elsewhere."""
    name = party.authid.removeprefix(_AT_SOCKET).partition(" ")[0]
    return Party(f"{name}@{host}", party.role) if _is_name(name) else None


def _is_name(name: str) -> bool:
    """Return whether this is a name, and not the address of a client (`ocsd.bus.caller`)."""
    return bool(name) and ":" not in name and " " not in name
