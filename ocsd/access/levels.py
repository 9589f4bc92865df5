"""Credential levels of clients, and what a client was found to have."""

from enum import IntEnum
from typing import NamedTuple

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


class GrantedLevel(NamedTuple):
    """The level of a client at an agent, and in words why it is not higher."""

    level: CredLevel
    detail: str = ""

    def refusal(self, required: CredLevel) -> str:
        """Return the text with which a request is refused; empty if the level is high enough.

        Clients match on the text, which is OCS's. `detail` may follow it.
        """
        if self.level >= required:
            return ""
        return (
            f"The action requires credential level {required} but the client has only level "
            f"{self.level}"
        )


ITSELF = GrantedLevel(CredLevel.SUPERUSER)
"""The agent itself, which starts its own operations and ends them."""

UNCONTROLLED = GrantedLevel(CredLevel.BASIC, "No access policy -- level 1 for all.")
"""Every client of an agent without access control."""
