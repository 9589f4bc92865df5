"""The procedures that are registered at a router, and calls that come back.

WAMP's meta API: https://wamp-proto.org/wamp_latest_ietf.html, "Registration Meta API".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ocsd.bus.subscriptions import EXACT


class Offers:
    """The procedures that are registered at a router.

    Only exact addresses are offered at another router: a pattern there would shadow the addresses
    of all other hosts.
    """

    def __init__(self, address_root: str) -> None:
        self._below = f"{address_root}."
        self._addresses: dict[int, str] = {}

    def created(self, details: Mapping[str, Any]) -> None:
        """Note a registration, by its details."""
        uri = str(details["uri"])
        if details.get("match", EXACT) == EXACT and uri.startswith(self._below):
            self._addresses[details["id"]] = uri

    def deleted(self, number: int) -> None:
        """Note that a registration is gone."""
        self._addresses.pop(number, None)

    def wanted(self) -> frozenset[str]:
        """Return the addresses."""
        return frozenset(self._addresses.values())

    def agents(self) -> frozenset[str]:
        """Return the instance-ids to which they belong."""
        inner = (uri.removeprefix(self._below) for uri in self._addresses.values())
        return frozenset(each.partition(".")[0] for each in inner)


def is_returning(
    chain: Sequence[Mapping[str, Any]] | None, caller: int | None, own_session: int
) -> bool:
    """Whether a call that no agent here answers was sent here by the bridge itself.

    The agent has gone meanwhile. To call the other side, which sent it, would go round for ever.

    Parameters
    ----------
    chain : sequence of dict, optional
        The call's ``forward_for``: the sessions through which it has come, of which the router
        adds the last one.
    caller : int, optional
        The session that calls, as the router tells.
    own_session : int
        The bridge's session at this router.
    """
    through = {each.get("session") for each in chain or ()}
    return own_session in through | {caller}
