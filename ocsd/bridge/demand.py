"""What the programs at one router want, and what they offer, as its meta API tells.

WAMP's meta API: https://wamp-proto.org/wamp_latest_ietf.html, "Session Meta API", sections on
registrations and subscriptions.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

EXACT: Final = "exact"
SUBSCRIPTION: Final = "wamp.subscription"
REGISTRATION: Final = "wamp.registration"


_NOBODY: Final[frozenset[int]] = frozenset()


class Pattern(NamedTuple):
    """The topics of a subscription."""

    uri: str
    match: str
    """``exact``, ``prefix`` or ``wildcard``."""


class Demand:
    """The subscriptions at a router, and who has them.

    Parameters
    ----------
    address_root : str
        Subscriptions elsewhere than below it are left out.
    """

    def __init__(self, address_root: str) -> None:
        self._below = f"{address_root}."
        self._patterns: dict[int, Pattern] = {}
        self._subscribers: dict[int, set[int]] = {}

    def created(self, details: Mapping[str, Any]) -> None:
        """Note a subscription, by its details."""
        uri = str(details["uri"])
        if uri.startswith(self._below):
            self._patterns[details["id"]] = Pattern(uri, str(details.get("match", EXACT)))

    def joined(self, session: int, number: int) -> None:
        """Note that a session has a subscription, be it known already or not."""
        self._subscribers.setdefault(number, set()).add(session)

    def left(self, session: int, number: int) -> None:
        """Note that a session has it no longer."""
        if number in self._subscribers:
            self._subscribers[number].discard(session)

    def deleted(self, number: int) -> None:
        """Note that a subscription is gone."""
        self._patterns.pop(number, None)
        self._subscribers.pop(number, None)

    def wanted(self, own_sessions: Collection[int]) -> frozenset[Pattern]:
        """Return what somebody else than the bridge's own sessions has subscribed to.

        A bridge's own subscriptions are those of the other side: to send them back would keep both
        alive for ever.
        """
        own = frozenset(own_sessions)
        return frozenset(
            pattern
            for number, pattern in self._patterns.items()
            if self._subscribers.get(number, _NOBODY) - own
        )


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
