"""The policy of an agent towards its clients: its ``--access-policy``."""

from enum import StrEnum
from typing import Final, NamedTuple

from ocsd.errors import AgentArgumentsError

DEFAULT_DIRECTOR: Final = "access-director"
"""Instance-id of the director, if the policy names none."""


class PolicyKind(StrEnum):
    """Kinds of policies, under the names that get_api reports."""

    NONE = "none"
    OVERRIDE = "override"
    DIRECTOR = "director"


class AccessPolicy(NamedTuple):
    """The policy of an agent towards its clients."""

    kind: PolicyKind
    director: str = ""
    """Instance-id of the access director."""
    passwords: tuple[str, str] = ("", "")
    """Passwords of level 2 and 3, in clear text."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind!s}, {self.director!r})"


def policy_of(access_policy: object) -> AccessPolicy:
    """Return the policy that an agent's ``--access-policy`` asks for.

    Parameters
    ----------
    access_policy
        ``none`` or nothing: everybody has level 1. ``override:PASSWORD2,PASSWORD3``: everybody
        has level 1, and whoever knows a password level 2 or 3. ``director:INSTANCE``: the rules
        come from an access director.

    Raises
    ------
    AgentArgumentsError
        If it is none of these; its text has no password in it.
    """
    # A stand-in for parsed arguments, as tests of agents have it, is no text.
    if not isinstance(access_policy, str) or access_policy in ("", PolicyKind.NONE):
        return AccessPolicy(PolicyKind.NONE)
    kind, colon, rest = access_policy.partition(":")
    if kind == PolicyKind.DIRECTOR and colon:
        return AccessPolicy(PolicyKind.DIRECTOR, director=rest or DEFAULT_DIRECTOR)
    if kind == PolicyKind.OVERRIDE:
        match rest.split(","):
            case [two, three]:
                return AccessPolicy(PolicyKind.OVERRIDE, passwords=(two, three))
        raise AgentArgumentsError(
            "the access policy 'override' needs two passwords, of level 2 and of level 3: give "
            "override:PASSWORD2,PASSWORD3 as --access-policy or access_policy in the site file"
        )
    raise AgentArgumentsError(
        f"access policy {_without_secrets(access_policy)} is not known; give 'none', "
        "'director:INSTANCE-ID' or 'override:PASSWORD2,PASSWORD3' as --access-policy or "
        "access_policy in the site file"
    )


def _without_secrets(access_policy: str) -> str:
    kind, colon, _ = access_policy.partition(":")
    if colon:
        return f"'{kind}:…'"
    return repr(kind)
