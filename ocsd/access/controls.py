"""The rules that an agent has from its access director, and what a message changes in them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ocsd.access.level_rules import BLOCKED, AccessRule, rules_of
from ocsd.access.levels import AC_VERSION, CredLevel

NOTHING_ALLOWED = tuple(AccessRule(BLOCKED, CredLevel(level)) for level in (1, 2, 3))
"""The rules of an agent that its director has told nothing yet."""


class Controls(NamedTuple):
    """The rules of one agent, as its director has told them last."""

    rules: tuple[AccessRule, ...] = NOTHING_ALLOWED
    session: str = ""
    """Life of the director that has told them; empty if it has told nothing in this life."""
    step: int = 0
    """Number of the director's change."""
    updates: int = 0
    """Number of messages that have set the rules."""

    def after(self, message: object, feed_info: object, instance_id: str) -> "Controls":
        """Return the rules after a message on the director's feed ``controls``.

        They stay as they are if the message is for other agents.

        Raises
        ------
        ValueError
            If it is not a message of this version of the protocol, or is older than the
            present rules.
        """
        if not isinstance(message, Mapping):
            raise ValueError(f"it is {type(message).__name__}, not a mapping")
        version = message.get("ac_version")
        if version != AC_VERSION:
            raise ValueError(f"its version of access control is {version!r}, ours {AC_VERSION}")
        if not message.get("reset") and message.get("target") != instance_id:
            return self
        step, session = message.get("step"), session_of(feed_info)
        if not isinstance(step, int):
            raise ValueError(f"step is {step!r}, not a number")
        if session and session == self.session and step < self.step:
            raise ValueError(
                f"it is of step {step}, but the same director was at step {self.step} before"
            )
        return Controls(rules_of(message.get("rules")), session, step, self.updates + 1)


def session_of(feed_info: object) -> str:
    """Return the agent session of a message's publisher; empty if it is not told."""
    if not isinstance(feed_info, Mapping):
        return ""
    return str(feed_info.get("session_id") or "")


def kept(controls: Controls) -> dict[str, Any]:
    """Return the rules as an agent keeps them on the disk."""
    return {"ac_version": AC_VERSION, "rules": [rule.as_json() for rule in controls.rules]}


def from_kept(data: object) -> Controls:
    """Return the rules that an earlier life of the agent has kept.

    Raises
    ------
    ValueError
        If they cannot be read.
    """
    if not isinstance(data, Mapping) or data.get("ac_version") != AC_VERSION:
        raise ValueError("they are none of this version of access control")
    return Controls(rules_of(data.get("rules")))
