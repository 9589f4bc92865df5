"""Credential levels of clients, and the policy of an agent towards them.

Until access control is asked for, the policy is ``none``: everyone may do
everything at level 1.
"""

from enum import IntEnum

from ocsd.errors import AgentArgumentsError

AC_VERSION = 1
"""Version of the access control protocol, which get_api reports to clients."""


class CredLevel(IntEnum):
    """Levels of access that a client has, or that an operation asks for."""

    BLOCKED = 0
    BASIC = 1
    ADVANCED = 2
    FULL = 3
    SUPERUSER = 4

    def __str__(self) -> str:
        return f"{self.value}-{self.name}"


def policy_of(access_policy: object) -> str:
    """Return the name of the policy that an agent's ``--access-policy`` asks for.

    Raises
    ------
    AgentArgumentsError
        If it asks for access control, which would silently not be in force.
    """
    if not isinstance(access_policy, str) or access_policy in ("", "none"):
        return "none"
    raise AgentArgumentsError(
        f"access policy {access_policy!r} is not supported; only 'none' is. "
        "Remove --access-policy or access-policy from the site file"
    )
