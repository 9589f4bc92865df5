"""The director's grants and tokens, and the answers to clients that ask for them.

All is pure: time and new passwords arrive as arguments.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeGuard

from ocsd.access.level_rules import AccessRule, WirePassword, covering, rules_of
from ocsd.access.levels import AC_VERSION, CredLevel
from ocsd.access.roles import PERSONS, Role, level_of
from ocsd.access.scope import AccessTarget
from ocsd.director.configuration import DirectorConfig, ExclusiveBlock
from ocsd.director.secret import fingerprint, token_rule_password

GRANT_LIFE_S: Final = 60.0
"""Life of a grant whose client names no end [s]."""


class Requester(NamedTuple):
    """The client that asks for an exclusive access."""

    authid: str = ""
    """Its name for a closed site's router; empty on an open site."""
    role: str = ""
    """Its role there; empty on an open site, where nobody is known."""

    @property
    def is_blocked(self) -> bool:
        """Whether its role may not use anything."""
        return bool(self.role) and level_of(self.role) is CredLevel.BLOCKED


NOBODY_KNOWN: Final = Requester()
_OPERATORS: Final = frozenset({*PERSONS, Role.HOST}) - {Role.VIEWER}


class ActiveGrant(NamedTuple):
    """An exclusive access that a client holds."""

    name: str
    expire_at: float
    """When it ends [Unix s]."""
    grantee: str | None
    """The holder, in words for those who are locked out."""
    holder: str
    """Its name for a closed site's router; empty on an open site."""
    rules: tuple[AccessRule, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as the session data of ``manager`` show it."""
        return {
            "name": self.name,
            "expire_at": self.expire_at,
            "grantee": self.grantee,
            "rules": [rule.as_json() for rule in self.rules],
        }

    def is_of(self, who: Requester) -> bool:
        """Return whether a client may renew and release it: its holder, and operators."""
        if not who.role or not self.holder:
            return True
        return who.authid == self.holder or who.role in _OPERATORS


class ExclusiveRequest(NamedTuple):
    """A call of ``request_exclusive``."""

    grant_name: object = None
    password: object = None
    action: object = None
    expire_at: object = None
    grantee: object = None
    strict: object = None


@dataclass(frozen=True, slots=True)
class DirectorState:
    """The state of the director that outlives its process."""

    step: int = 1
    """Number of the latest change of the rules."""
    grants: tuple[ActiveGrant, ...] = ()
    tokens: tuple[tuple[str, str], ...] = ()
    """The token that stands for each strong hash, by the name of the hash."""

    def rules(self, config: DirectorConfig) -> tuple[AccessRule, ...]:
        """Return all rules that are in force."""
        tokens = dict(self.tokens)
        own = []
        for scope, level, stored in config.passwords:
            password = stored.on_the_wire(config.distribution)
            if stored.is_strong:
                password = token_rule_password(tokens[fingerprint(stored)])
            own.append(AccessRule(password, level, scope))
        return (*own, *(rule for grant in self.grants for rule in grant.rules))

    def with_tokens(self, config: DirectorConfig, new: Mapping[str, str]) -> "DirectorState":
        """Return the state with a token for each strong hash; `new` has those that are missing."""
        wanted = missing_tokens(config, {})
        kept = {name: token for name, token in self.tokens if name in wanted}
        return replace(self, step=self.step + 1, tokens=tuple({**new, **kept}.items()))

    def at(self, now: float) -> "DirectorState":
        """Return the state at a time [Unix s]: grants end."""
        grants = tuple(grant for grant in self.grants if grant.expire_at > now)
        if len(grants) == len(self.grants):
            return self
        return replace(self, step=self.step + 1, grants=grants)

    def grant(self, name: str) -> ActiveGrant | None:
        """Return the grant of a block; None if nobody holds it."""
        return next((grant for grant in self.grants if grant.name == name), None)

    def without(self, name: str) -> tuple[ActiveGrant, ...]:
        """Return the other grants."""
        return tuple(grant for grant in self.grants if grant.name != name)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept on the disk."""
        grants = [{**grant.as_json(), "holder": grant.holder} for grant in self.grants]
        return {"step": self.step, "grants": grants, "tokens": dict(self.tokens)}


def state_of(data: Any) -> DirectorState:
    """Return the state that an earlier life has kept.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it cannot be read.
    """
    grants = [
        ActiveGrant(
            str(each["name"]),
            float(each["expire_at"]),
            each["grantee"],
            str(each["holder"]),
            rules_of(each["rules"]),
        )
        for each in data["grants"]
    ]
    tokens = {str(name): str(token) for name, token in data["tokens"].items()}
    return DirectorState(int(data["step"]), tuple(grants), tuple(tokens.items()))


def missing_tokens(config: DirectorConfig, present: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the strong hashes of a file that have no token."""
    names = (fingerprint(row.password) for row in config.passwords if row.password.is_strong)
    return tuple(dict.fromkeys(name for name in names if name not in present))


def message_to_all(state: DirectorState, rules: tuple[AccessRule, ...]) -> dict[str, Any]:
    """Return the message that tells all agents all rules."""
    return {"reset": True, **_message(state, rules)}


def message_to(
    state: DirectorState, rules: tuple[AccessRule, ...], target: AccessTarget
) -> dict[str, Any]:
    """Return the message that tells one agent its own rules."""
    return {"target": target.instance_id, **_message(state, covering(rules, target))}


def _message(state: DirectorState, rules: tuple[AccessRule, ...]) -> dict[str, Any]:
    told = [rule.as_json() for rule in rules]
    return {"ac_version": AC_VERSION, "step": state.step, "rules": told}


def exclusive(
    state: DirectorState,
    config: DirectorConfig,
    request: ExclusiveRequest,
    who: Requester,
    now: float,
    new_password: str,
) -> tuple[DirectorState, dict[str, Any] | None]:
    """Answer a request for an exclusive access; the texts are OCS's, on which clients match.

    Parameters
    ----------
    who : Requester
        The client.
    now : float
        The time [Unix s].
    new_password : str
        The password of the grant, if there is one.
    """
    block = _block(config, request, who)
    if isinstance(block, str):
        return state, {"error": block}
    name, expire_at = block.name, request.expire_at
    if expire_at is None:
        expire_at = now + GRANT_LIFE_S
    if not is_time(expire_at):
        return state, {"error": f"expire_at is {expire_at!r}, not a Unix time."}
    match request.action:
        case "acquire":
            return _acquire(state, block, request, who, expire_at, new_password)
        case "renew":
            return _renew(state, name, who, expire_at)
        case "release":
            return _release(state, name, who, _is_strict(request))
    return state, None


def _block(
    config: DirectorConfig, request: ExclusiveRequest, who: Requester
) -> ExclusiveBlock | str:
    """Return the block that is asked for, or why this client does not get it."""
    if request.grant_name is None:
        return "No grant_name specified."
    name = str(request.grant_name)
    for block in config.blocks:
        if block.name == name:
            if _admits(block, request.password, who):
                return block
            return f"Credential failed to access ({name})"
    return f"Named grant not found ({name})"


def _admits(block: ExclusiveBlock, password: object, who: Requester) -> bool:
    if who.is_blocked:
        return False
    return block.password is None or block.password.fits(str(password or ""))


def is_time(value: object) -> TypeGuard[float]:
    """Return whether a value is a time."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_strict(request: ExclusiveRequest) -> bool:
    return request.strict is None or bool(request.strict)


def _acquire(
    state: DirectorState,
    block: ExclusiveBlock,
    request: ExclusiveRequest,
    who: Requester,
    expire_at: float,
    new_password: str,
) -> tuple[DirectorState, dict[str, Any]]:
    held = state.grant(block.name)
    if held is not None and (_is_strict(request) or not held.is_of(who)):
        text = f"Grant is already held (grantee: {held.grantee}); release it first."
        return state, {"error": text}
    grantee = named(request.grantee, who)
    password = WirePassword.of(block.hash, new_password)
    rules = tuple(
        AccessRule(password, each.level, each.scope, block.name, grantee, each.lockout_levels)
        for each in block.grants
    )
    grant = ActiveGrant(block.name, expire_at, grantee, who.authid, rules)
    after = replace(state, step=state.step + 1, grants=(*state.without(block.name), grant))
    return after, {
        "message": "grant acquired",
        "password": new_password,
        "grant_name": block.name,
        "expire_at": expire_at,
        "step": after.step,
    }


def named(grantee: object, who: Requester) -> str | None:
    """Return the holder in words; on a closed site its true name comes first."""
    text = None
    if grantee is not None:
        text = str(grantee)
    if who.authid and who.authid != text:
        return f"{who.authid}: {text or 'no words'}"
    return text


_NOT_THE_HOLDER: Final = "Grant is held by somebody else (grantee: {}); cannot {}."


def _renew(
    state: DirectorState, name: str, who: Requester, expire_at: float
) -> tuple[DirectorState, dict[str, Any]]:
    held = state.grant(name)
    if held is None:
        return state, {"error": "Grant is not currently held; cannot renew."}
    if not held.is_of(who):
        return state, {"error": _NOT_THE_HOLDER.format(held.grantee, "renew")}
    after = replace(state, grants=(*state.without(name), held._replace(expire_at=expire_at)))
    answer = {"message": "grant renewed", "grant_name": name, "expire_at": expire_at}
    return after, {**answer, "step": state.step}


def _release(
    state: DirectorState, name: str, who: Requester, strict: bool
) -> tuple[DirectorState, dict[str, Any]]:
    held = state.grant(name)
    if held is None and strict:
        return state, {"error": "Grant is not currently held; cannot release."}
    if held is not None:
        if not held.is_of(who):
            return state, {"error": _NOT_THE_HOLDER.format(held.grantee, "release")}
        state = replace(state, step=state.step + 1, grants=state.without(name))
    return state, {"message": "grant released", "grant_name": name, "step": state.step}
