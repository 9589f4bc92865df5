"""Rules of access: which password gives which level at which agents, and who is locked out.

An access director sends them to the agents (docs/reference/wire.md, "Access control").
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ocsd.access.levels import ITSELF, CredLevel, GrantedLevel
from ocsd.access.scope import AccessTarget, Scope

MD5_LENGTH: Final = 16
"""Length of a hash: OCS cuts it [hexadecimal digits]."""


class WireHash(StrEnum):
    """Kinds of hashes that agents know."""

    NONE = "none"
    MD5 = "md5"
    BLOCKED = "blocked"


class WirePassword(NamedTuple):
    """A password as agents get it."""

    hash: str
    value: str = ""
    """Empty: any password fits, unless `hash` is ``blocked``."""

    @classmethod
    def of(cls, hash_: WireHash, clear: str) -> "WirePassword":
        """Return a password that is given in clear text."""
        if hash_ is WireHash.MD5:
            return cls(hash_, short_md5(clear))
        return cls(hash_, clear)

    @property
    def is_free(self) -> bool:
        """Whether any password fits."""
        return self.hash != WireHash.BLOCKED and self.value == ""

    def fits(self, password: str) -> bool:
        """Return whether a client's password is this one; it never is by an unknown hash."""
        if self.is_free:
            return True
        given = ""
        if self.hash == WireHash.NONE:
            given = password
        elif self.hash == WireHash.MD5:
            given = short_md5(password)
        return bool(given) and hmac.compare_digest(
            given.encode("utf-8", "replace"), self.value.encode("utf-8", "replace")
        )

    def as_json(self) -> dict[str, str]:
        """Return it as it goes over the wire."""
        return {"hash": str(self.hash), "value": self.value}


def short_md5(clear: str) -> str:
    """Return OCS's hash of a password: the first half of its MD5, in hexadecimal digits."""
    digest = hashlib.md5(clear.encode("utf-8", "replace"), usedforsecurity=False)
    return digest.hexdigest()[:MD5_LENGTH]


FREE: Final = WirePassword(WireHash.NONE)
BLOCKED: Final = WirePassword(WireHash.BLOCKED)


class AccessRule(NamedTuple):
    """A rule: at the agents of `scope`, whoever knows the password has a level.

    The ``lockout`` fields are those of an exclusive access: at these agents, whoever does not
    know its password has none of `lockout_levels`.
    """

    password: WirePassword | None
    level: CredLevel
    scope: Scope = Scope(default=True)
    lockout_id: str | None = None
    lockout_owner: str | None = None
    lockout_levels: tuple[CredLevel, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""
        return {
            "hashed_pass": self.password and self.password.as_json(),
            "cred_level": self.level.value,
            "scope_spec": self.scope.as_json(),
            "lockout_id": self.lockout_id,
            "lockout_owner": self.lockout_owner,
            "lockout_levels": [level.value for level in self.lockout_levels],
        }


def rules_of(data: object) -> tuple[AccessRule, ...]:
    """Return the rules that a message holds.

    Raises
    ------
    ValueError
        If it is no list of rules. No rule of it may be left out: it could lock somebody out.
    """
    if not isinstance(data, Sequence) or isinstance(data, str):
        raise ValueError("rules is not a list")
    return tuple(map(_rule_of, data))


def _rule_of(data: object) -> AccessRule:
    if not isinstance(data, Mapping):
        raise ValueError(f"a rule is {type(data).__name__}, not a mapping")
    scope = Scope(default=True)
    if data.get("scope_spec") is not None:
        scope = Scope.of(_mapping(data["scope_spec"], "scope_spec"))
    password = None
    if data.get("hashed_pass") is not None:
        hashed = _mapping(data["hashed_pass"], "hashed_pass")
        password = WirePassword(str(hashed.get("hash")), str(hashed.get("value") or ""))
    levels = data.get("lockout_levels") or ()
    if not isinstance(levels, Sequence):
        raise ValueError(f"lockout_levels is {levels!r}, not a list of levels")
    return AccessRule(
        password,
        level_of_number(data.get("cred_level") or 0),
        scope,
        _text(data.get("lockout_id")),
        _text(data.get("lockout_owner")),
        tuple(map(level_of_number, levels)),
    )


def level_of_number(number: object) -> CredLevel:
    """Return the level of a number.

    Raises
    ------
    ValueError
        If there is none.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number not in list(CredLevel):
        raise ValueError(f"{number!r} is no credential level; there are 0 to 4")
    return CredLevel(number)


def _mapping(value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} is {type(value).__name__}, not a mapping")
    return value


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value)


def free_level() -> AccessRule:
    """Return the rule that gives everybody level 1."""
    return AccessRule(FREE, CredLevel.BASIC)


def rules_of_override(passwords: tuple[str, str]) -> tuple[AccessRule, ...]:
    """Return the rules of the policy ``override``, with the passwords of level 2 and 3."""
    levels = (CredLevel.ADVANCED, CredLevel.FULL)
    return (
        free_level(),
        *(
            AccessRule(WirePassword(WireHash.NONE, password), level)
            for password, level in zip(passwords, levels, strict=True)
        ),
    )


def covering(rules: Iterable[AccessRule], target: AccessTarget) -> tuple[AccessRule, ...]:
    """Return the rules that apply to an agent."""
    return tuple(rule for rule in rules if rule.scope.covers(target))


def credentials(
    rules: Iterable[AccessRule],
    target: AccessTarget,
    password: str,
    identity: CredLevel | None = None,
) -> GrantedLevel:
    """Return the level of a client at an agent.

    Parameters
    ----------
    rules : iterable of AccessRule
        All that the agent knows.
    target : AccessTarget
        The agent.
    password : str
        The password with the request; empty if there is none.
    identity : CredLevel, optional
        Level of the client's role, if the site is closed. Rules without a password do not raise
        it, because they are made for clients of which nothing is known.
    """
    if identity is CredLevel.SUPERUSER:
        return ITSELF
    levels: list[CredLevel] = [identity or CredLevel.BLOCKED]
    locked: set[CredLevel] = set()
    owners: set[str] = set()
    for rule in covering(rules, target):
        if rule.password is not None and rule.password.fits(password):
            if identity is None or not rule.password.is_free:
                levels.append(rule.level)
        elif rule.lockout_levels:
            locked.update(rule.lockout_levels)
            owners.add(f"{rule.lockout_id}[{rule.lockout_owner}]")
    highest = max(levels)
    level = _unlocked(highest, locked)
    if level is highest:
        return GrantedLevel(level)
    return GrantedLevel(level, f"Privileges diminished; lockouts active: {sorted(owners)}")


def _unlocked(level: CredLevel, locked: set[CredLevel]) -> CredLevel:
    """Return the highest level from `level` down that nobody has locked."""
    while level in locked and level > CredLevel.BLOCKED:
        level = CredLevel(level - 1)
    return level
