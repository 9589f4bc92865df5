"""The rules of a closed site's router: who may call, register, publish and subscribe, and where.

The router asks before each request (`ocsd.router`). It sees addresses, not arguments: whether a
person may start an operation is the agent's decision, by the person's role (`ocsd.access.roles`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ocsd.access.roles import PERSONS, Role
from ocsd.system.classes import DUPLICATES_TOPIC
from ocsd.text.uri import uri_component

CALL: Final = "call"
REGISTER: Final = "register"
PUBLISH: Final = "publish"
SUBSCRIBE: Final = "subscribe"
EXACT: Final = "exact"

# The addresses at which a router tells who subscribes to what: WAMP's subscription meta API.
SESSIONS: Final = "wamp.session.list"
SUBSCRIPTIONS: Final = "wamp.subscription.list"
SUBSCRIPTION: Final = "wamp.subscription.get"
SUBSCRIBERS: Final = "wamp.subscription.list_subscribers"
META_CALLS: Final = frozenset({SESSIONS, SUBSCRIPTIONS, SUBSCRIPTION, SUBSCRIBERS})
ON_CREATE: Final = "wamp.subscription.on_create"
ON_SUBSCRIBE: Final = "wamp.subscription.on_subscribe"
ON_UNSUBSCRIBE: Final = "wamp.subscription.on_unsubscribe"
ON_DELETE: Final = "wamp.subscription.on_delete"
META_TOPICS: Final = frozenset({ON_CREATE, ON_SUBSCRIBE, ON_UNSUBSCRIBE, ON_DELETE})
BRIDGE_CALLS: Final = META_CALLS | {
    *(f"wamp.registration.{name}" for name in ("list", "get", "lookup", "list_callees")),
    "wamp.session.count",
}
BRIDGE_TOPICS: Final = META_TOPICS | {
    "wamp.registration.on_create",
    "wamp.registration.on_delete",
}
"""The meta API that recorders and bridges need; none of it changes anything."""

_CONTROLS: Final = "feeds.controls"
_OF_DIRECTORS: Final = ("agent_poll", "request_exclusive", "request_token")
_SPOOL: Final = "spool"
"""Procedure from which a recorder fetches messages, and tells which ones it has."""
_FOR_VIEWERS: Final = frozenset({"", "ops", *_OF_DIRECTORS})
"""Procedures that ask for a level where they need one; authors' own ones do not."""
_DAEMONS: Final = "ocsd."
"""Below it is an address for the daemon of each host, which itself knows who may ask for what."""
_AGENTS: Final = (Role.AGENT, Role.DIRECTOR)
_KNOWN: Final = frozenset(Role) - {Role.OCS}


class SiteRules(NamedTuple):
    """The facts about a site on which the rules depend."""

    address_root: str
    directors: frozenset[str] = frozenset()
    """The instance-ids of its access directors."""
    hub: str = ""
    """The router's host."""
    homes: Mapping[str, str] = MappingProxyType({})
    """The host of each instance of the site file."""
    leaves: frozenset[str] = frozenset()
    """The hosts with a router of their own. Their bridges log in as the host."""
    site_hub: str = ""
    """On such a host: the host of the site's router. `hub` is then this host."""


class Party(NamedTuple):
    """A session, as the router knows it."""

    authid: str
    role: str


def refusal(
    rules: SiteRules, who: Party, action: str, uri: str, match: str = EXACT, forwarded: bool = False
) -> str | None:
    """Return why a request is refused, in a sentence; None if it is allowed.

    Parameters
    ----------
    rules : SiteRules
        The site.
    who : Party
        The session that asks; an agent's authid is its instance-id.
    action : str
        ``call``, ``register``, ``publish`` or ``subscribe``.
    uri : str
        The address; of a subscription or registration it may be a pattern.
    match : str
        How it is meant: ``exact``, ``prefix`` or ``wildcard``.
    forwarded : bool
        Whether the request names somebody in whose name it is made (``forward_for``).
    """
    below = f"{rules.address_root}."
    if who.role not in _KNOWN:
        return f"the role {who.role!r} has no rights on a closed site"
    if forwarded and who.role != Role.BRIDGE:
        return f"{_named(who)} may not {action} in the name of somebody else"
    if _may_ask_router(who, action, uri, match):
        return None
    if not uri.startswith(below):
        return f"{_named(who)} may not {action} {uri!r}, which is not below {rules.address_root!r}"
    if action == CALL:
        return _of_call(who, uri, uri.removeprefix(below))
    if action == SUBSCRIBE:
        return _of_subscription(rules, who, uri, match)
    return _of_provider(rules, who, action, uri.removeprefix(below), match)


def asks_who_subscribes(action: str, uri: str, match: str = EXACT) -> bool:
    """Say whether a request only asks the router who subscribes, as a recorder and a bridge do."""
    addresses = {CALL: META_CALLS, SUBSCRIBE: META_TOPICS}.get(action, frozenset())
    return match == EXACT and uri in addresses


def _may_ask_router(who: Party, action: str, uri: str, match: str) -> bool:
    """Say whether a request only asks the router: as agents do, or a host for its bridge."""
    if who.role == Role.AGENT:
        return asks_who_subscribes(action, uri, match)
    if who.role != Role.HOST:
        return False
    addresses = {CALL: BRIDGE_CALLS, SUBSCRIBE: BRIDGE_TOPICS}.get(action, frozenset())
    return match == EXACT and uri in addresses


def is_leaf(rules: SiteRules, who: Party) -> bool:
    """Say whether a party is a host with a router of its own, and so perhaps its bridge."""
    return who.role == Role.HOST and who.authid in rules.leaves


def may_hear_controls(rules: SiteRules, who: Party) -> bool:
    """Say whether a party may hear what an access director tells the agents."""
    return who.role in _AGENTS or is_leaf(rules, who)


def _of_call(who: Party, uri: str, inner: str) -> str | None:
    """Return why a call is refused; what a person may ask of an agent, the agent decides."""
    procedure = inner.partition(".")[2]
    if inner.startswith(_DAEMONS):
        return None
    if who.role in PERSONS and procedure == _SPOOL:
        return f"{_named(who)} may not call {uri!r}; only agents and hosts may"
    if who.role == Role.VIEWER and procedure not in _FOR_VIEWERS:
        return f"{_named(who)} may look at agents, not call {uri!r}"
    return None


def _of_subscription(rules: SiteRules, who: Party, uri: str, match: str) -> str | None:
    """Return why a subscription is refused.

    Patterns cover feeds of all agents, so they are allowed; the router keeps a director's
    messages out of what they get, unless an agent subscribes.
    """
    inner = uri.removeprefix(f"{rules.address_root}.")
    is_controls = match == EXACT and inner.partition(".")[2] == _CONTROLS
    if is_controls and not may_hear_controls(rules, who):
        return f"{_named(who)} may not subscribe to {uri!r}; only agents may"
    return None


def _of_provider(rules: SiteRules, who: Party, action: str, inner: str, match: str) -> str | None:
    """Return why a registration or a message is refused."""
    if match != EXACT and not _takes_calls_up(rules, who, action, inner):
        return f"{_named(who)} may register exact addresses only, not the {match} {inner!r}"
    if action == REGISTER and _may_register(rules, who, inner):
        return None
    if action == PUBLISH and _may_publish(rules, who, inner):
        return None
    return f"{_named(who)} may not {action} {rules.address_root}.{inner}"


def _takes_calls_up(rules: SiteRules, who: Party, action: str, inner: str) -> bool:
    """Say whether a host's own bridge asks for all calls that no agent there answers."""
    return action == REGISTER and not inner and bool(rules.site_hub) and is_leaf(rules, who)


def _may_register(rules: SiteRules, who: Party, inner: str) -> bool:
    instance_id, _, rest = inner.partition(".")
    if not inner:
        return _takes_calls_up(rules, who, REGISTER, inner)
    if inner.startswith(_DAEMONS):
        return _is_daemon(rules, who, rest)
    if rest in _OF_DIRECTORS:
        return _is_director(rules, who, instance_id)
    if f"{rest}.".startswith("feeds."):
        return False
    # Authors register procedures of their own below their agent's address.
    return _speaks_for(rules, who, instance_id)


def _may_publish(rules: SiteRules, who: Party, inner: str) -> bool:
    instance_id, _, rest = inner.partition(".")
    if inner == DUPLICATES_TOPIC:
        return is_leaf(rules, who)
    if rest == _CONTROLS:
        return _is_director(rules, who, instance_id)
    return rest.startswith("feeds.") and _speaks_for(rules, who, instance_id)


def _speaks_for(rules: SiteRules, who: Party, instance_id: str) -> bool:
    """Say whether an instance is that of an agent, or one of a host.

    The hub's host has the keys of all hosts anyway, and it alone has users at a Unix socket.
    """
    if who.role != Role.HOST:
        return who.role in _AGENTS and instance_id == who.authid
    if who.authid == rules.hub or who.authid.startswith("unix:"):
        return True
    return rules.homes.get(instance_id, who.authid) == who.authid


def _is_daemon(rules: SiteRules, who: Party, address: str) -> bool:
    """Say whether an address is that of a host's daemon; the hub has the keys of all hosts."""
    if who.role != Role.HOST:
        return False
    if who.authid == rules.hub or who.authid.startswith("unix:"):
        return True
    return address.partition(".")[0] == uri_component(who.authid)


def _is_director(rules: SiteRules, who: Party, instance_id: str) -> bool:
    """Say whether an instance is a director, and that of a party: itself, or one of a leaf."""
    if instance_id not in rules.directors:
        return False
    if is_leaf(rules, who):
        return _speaks_for(rules, who, instance_id)
    return who.role == Role.DIRECTOR and instance_id == who.authid


def _named(who: Party) -> str:
    """Return a party for a sentence, e.g. ``agent 'thermo1'``."""
    if who.role in PERSONS:
        return f"{who.authid!r} ({who.role})"
    return f"{who.role} {who.authid!r}"
