"""Subscriptions at a router, as its meta API tells them (`ocsd.access.rules`).

Source: the WAMP specification, "Subscription Meta API" and "Pattern-based Subscriptions".
"""

from collections.abc import Mapping
from typing import Any


def matches(topic: str, pattern: str, match: str) -> bool:
    """Return whether a subscription gets what is published on a topic.

    Parameters
    ----------
    topic : str
        The topic.
    pattern : str
        The address of the subscription.
    match : str
        How it is meant: ``exact``, ``prefix`` or ``wildcard``. Another is taken to match all.
    """
    if match == "exact":
        return topic == pattern
    if match == "prefix":
        return topic.startswith(pattern)
    if match == "wildcard":
        parts, wanted = topic.split("."), pattern.split(".")
        pairs = zip(parts, wanted, strict=False)
        return len(parts) == len(wanted) and all(each in ("", part) for part, each in pairs)
    return True


class Subscriptions:
    """The subscriptions of a router that match some topics, as its meta API tells them."""

    def __init__(self) -> None:
        self._patterns: dict[int, tuple[str, str]] = {}
        self._sessions: dict[int, set[int]] = {}

    def is_heard(self, topic: str, besides: int) -> bool:
        """Return whether another session than `besides` gets what is published on a topic."""
        return any(
            self._sessions[number] - {besides} and matches(topic, *pattern)
            for number, pattern in self._patterns.items()
        )

    def add(self, details: Mapping[str, Any], sessions: list[int]) -> None:
        """Take in a subscription, by its details, and sessions that have it."""
        number = details["id"]
        self._patterns[number] = details["uri"], details["match"]
        self._sessions.setdefault(number, set()).update(sessions)

    def subscribed(self, session: int, number: int) -> None:
        """Take in that a session has a subscription; one that is not known matches no topic."""
        self._sessions.get(number, set()).add(session)

    def knows(self, number: int) -> bool:
        """Return whether a subscription is known."""
        return number in self._sessions

    def replace(self, number: int, sessions: list[int]) -> None:
        """Take in which sessions have a subscription that is known; without any, it has ended."""
        self._sessions[number] = set(sessions)
        if not sessions:
            del self._sessions[number], self._patterns[number]
