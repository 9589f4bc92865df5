"""Subscriptions at a router, as its meta API tells them (`ocsd.bus.subscribers`).

Source: the WAMP specification, "Subscription Meta API" and "Pattern-based Subscriptions".
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

EXACT: Final = "exact"


class TopicPattern(NamedTuple):
    """The topics of a subscription."""

    uri: str
    match: str
    """``exact``, ``prefix`` or ``wildcard``."""

    def matches(self, topic: str) -> bool:
        """Return whether the subscription gets what is published on a topic.

        A way to match that is not known is taken to match all.
        """
        if self.match == EXACT:
            return topic == self.uri
        if self.match == "prefix":
            return topic.startswith(self.uri)
        if self.match == "wildcard":
            parts, wanted = topic.split("."), self.uri.split(".")
            pairs = zip(parts, wanted, strict=False)
            return len(parts) == len(wanted) and all(each in ("", part) for part, each in pairs)
        return True


class Subscriptions:
    """The subscriptions at a router, and the sessions that have them."""

    def __init__(self) -> None:
        self._patterns: dict[int, TopicPattern] = {}
        self._sessions: dict[int, set[int]] = {}

    def wanted(self, besides: Collection[int]) -> frozenset[TopicPattern]:
        """Return what other sessions than `besides` have subscribed to."""
        own = frozenset(besides)
        return frozenset(
            pattern for number, pattern in self._patterns.items() if self._sessions[number] - own
        )

    def sessions_of(self, pattern: TopicPattern) -> frozenset[int]:
        """Return the sessions that have subscribed to exactly this."""
        numbers = (number for number, each in self._patterns.items() if each == pattern)
        return frozenset(session for number in numbers for session in self._sessions[number])

    def add(self, details: Mapping[str, Any], sessions: Collection[int]) -> None:
        """Take in a subscription, by its details, and sessions that have it."""
        number = details["id"]
        self._patterns[number] = TopicPattern(str(details["uri"]), str(details.get("match", EXACT)))
        self._sessions.setdefault(number, set()).update(sessions)

    def joined(self, session: int, number: int) -> None:
        """Take in that a session has a subscription that is known."""
        self._sessions[number].add(session)

    def knows(self, number: int) -> bool:
        """Return whether a subscription is known."""
        return number in self._patterns

    def replace(self, number: int, sessions: Collection[int]) -> None:
        """Take in which sessions have a subscription that is known; without any, it has ended."""
        self._sessions[number] = set(sessions)
        if not sessions:
            del self._sessions[number], self._patterns[number]


class Audience:
    """The topics that somebody hears, by the patterns of the subscriptions."""

    def __init__(self, patterns: Collection[TopicPattern]) -> None:
        self._exact = {each.uri for each in patterns if each.match == EXACT}
        self._others = [each for each in patterns if each.match != EXACT]

    def hears(self, topic: str) -> bool:
        """Return whether anybody gets what is published on a topic."""
        return topic in self._exact or any(each.matches(topic) for each in self._others)
