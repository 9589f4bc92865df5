"""The entries of the files of access control: people, hosts, capability URLs, and this host.

None of them shows its secret when it is printed.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any, Final, Self

from ocsd.access.roles import PERSONS, Role
from ocsd.errors import UsageError
from ocsd.text.nearest import did_you_mean

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_WORDS: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a file: a mapping of its fields."""

    @classmethod
    def of_json(cls, value: Any) -> Self:
        """Return the entry that a file has.

        Raises
        ------
        ValueError
            If it lacks something, or has something of another type.
        """
        if not isinstance(value, Mapping):
            raise ValueError("is not a mapping")
        entry = {}
        for name, kind in ((each.name, each.type) for each in dataclass_fields(cls)):
            found = value.get(name)
            if kind is float and type(found) is int:
                found = float(found)
            if type(found) is not kind:
                raise ValueError(f"has no {name!r}, which is {_WORDS[kind]}")
            entry[name] = found
        return cls(**entry)

    def as_json(self) -> dict[str, Any]:
        """Return it as the file has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Person(Entry):
    """Somebody who may log in."""

    role: str
    password: str = field(repr=False)
    """The argon2id hash of the password."""
    since_at: float
    """When the password was set [s, Unix time]."""


@dataclass(frozen=True, slots=True)
class AdmittedHost(Entry):
    """A host of the site whose daemon and agents may join."""

    generation: int
    """The number of its key: another one when the key is rotated."""
    since_at: float
    """When that key was made [s, Unix time]."""


@dataclass(frozen=True, slots=True)
class CapabilityUrl(Entry):
    """A URL that lets published software in without a login: whoever has it may use it."""

    kind: str
    """``agent``, or ``client``."""
    role: str
    authid: str
    secret: str = field(repr=False)
    """The part of the URL that nobody can guess."""
    since_at: float
    """When the secret was made [s, Unix time]."""

    @classmethod
    def new(cls, kind: str, role: str, authid: str, now_at: float) -> Self:
        """Return a URL with a secret of 192 bits."""
        return cls(kind, role, authid, secrets.token_urlsafe(24), now_at)


@dataclass(frozen=True, slots=True)
class Identity(Entry):
    """The part of this host in a closed site."""

    site: str
    """A random name of the site, by which bundles of other sites are told apart."""
    host: str
    """The name of this host in the site file."""
    is_hub: bool
    """Whether it runs the router and holds the site's secret."""
    hub: str
    """The router's address when it was made."""
    generation: int
    """The number of the host's key; 0 on the hub, which has it in its list of hosts."""
    made_at: float


def checked_name(name: str) -> str:
    """Return the name of a person or of a capability URL.

    Raises
    ------
    UsageError
        If it has other characters than those of a name.
    """
    if _NAME.fullmatch(name):
        return name
    raise UsageError(
        f"name {name!r} cannot be used; take 1 to 64 letters, digits, '_', '-' and '.', the first "
        "one a letter or a digit"
    )


def checked_role(word: str) -> Role:
    """Return the role of a person.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if word in PERSONS:
        return Role(word)
    near = did_you_mean(word, map(str, PERSONS))
    raise UsageError(f"there is no role {word!r}; there are {', '.join(PERSONS)}{near}")
