"""The rules of an agent whose passwords stand in its arguments (policy ``override``)."""

from typing import Any

from ocsd.access.level_rules import credentials, rules_of_override
from ocsd.access.levels import CredLevel, GrantedLevel
from ocsd.access.scope import AccessTarget


class PasswordRules:
    """The rules of the policy ``override``, with the passwords of level 2 and 3."""

    def __init__(self, agent: Any, passwords: tuple[str, str]) -> None:
        self._target = target_of(agent)
        self._rules = rules_of_override(passwords)

    def credentials(self, password: str, identity: CredLevel | None) -> GrantedLevel:
        """Return the level of a client with a password, and with the level of its role."""
        return credentials(self._rules, self._target, password, identity)


def target_of(agent: Any) -> AccessTarget:
    """Return an agent as rules know it."""
    return AccessTarget(str(agent.class_name or ""), str(agent.instance_id or ""))
