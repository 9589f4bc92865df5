"""The roles that the router of a closed site gives, and the level of each at an agent."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ocsd.access.levels import CredLevel


class Role(StrEnum):
    """A role of a person or of a program for the router."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EXPERT = "expert"
    ADMIN = "admin"
    AGENT = "agent"
    """An agent; its authid is its instance-id."""
    DIRECTOR = "director"
    """The agent that hands out privileges (class AccessDirector)."""
    HOST = "host"
    """A host's daemon; its authid is the name of the host."""
    BRIDGE = "ocs-bridge"
    """The router's HTTP bridge."""
    OCS = "ocs"
    """Everybody, on an open router."""


PERSONS: Final = (Role.VIEWER, Role.OPERATOR, Role.EXPERT, Role.ADMIN)
"""The roles of people, from the least to the most powerful."""

_LEVELS: Final[Mapping[str, CredLevel]] = MappingProxyType(
    {
        Role.VIEWER: CredLevel.BLOCKED,
        Role.OPERATOR: CredLevel.BASIC,
        Role.EXPERT: CredLevel.ADVANCED,
        Role.ADMIN: CredLevel.FULL,
        Role.HOST: CredLevel.SUPERUSER,
        Role.AGENT: CredLevel.BASIC,
        Role.DIRECTOR: CredLevel.BASIC,
        Role.OCS: CredLevel.BASIC,
    }
)


def level_of(role: str) -> CredLevel:
    """Return the level of a role at every agent of a closed site.

    The bridge has none of its own: it calls for somebody. Nor has a role that only another router
    knows.
    """
    return _LEVELS.get(role, CredLevel.BLOCKED)
