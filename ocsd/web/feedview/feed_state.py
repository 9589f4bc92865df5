"""The state of a feed viewer: what it has, or what it waits for. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from ocsd.text.nearest import nearest_or_all

SILENT_S: Final = 10.0
"""Time without a message after which the agent is asked whether it has the feed [s]."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """The knowledge of router, agent and feed; each method returns the knowledge after it."""

    target: str
    feed: str
    router: str
    """Address of the router."""
    trouble: str = "it has not answered yet"
    """Why there is no connection; empty if there is one."""
    missing: str = ""
    """Why no message can come over the connection; empty if that is not known."""
    came_at: float | None = None
    """Time of the latest message [s, Unix time]."""

    def joined(self) -> "FeedState":
        """Take a connection to the router."""
        return replace(self, trouble="", missing="")

    def lost(self, reason: str) -> "FeedState":
        """Take the end of a connection, or a failed attempt at one."""
        return replace(self, trouble=reason)

    def heard(self, now_at: float) -> "FeedState":
        """Take a message of the feed."""
        return replace(self, came_at=now_at, missing="")

    def answered(self, feeds: Collection[str]) -> "FeedState":
        """Take the names of the agent's feeds."""
        missing = ""
        if self.feed not in feeds:
            near = nearest_or_all(self.feed, feeds)
            missing = f"agent '{self.target}' has no feed '{self.feed}' yet{near}"
        return replace(self, missing=missing)

    def unanswered(self, reason: str) -> "FeedState":
        """Take a call to the agent that failed: `reason` is WAMP's URI, or words."""
        why = f"agent '{self.target}' does not answer ({reason})"
        if reason == "wamp.error.no_such_procedure":
            why = f"agent '{self.target}' is not connected to the router"
        return replace(self, missing=f"{why}; it is waited for")

    def is_silent(self, now_at: float) -> bool:
        """Return whether the agent should be asked."""
        return not self.trouble and (self.came_at is None or now_at - self.came_at >= SILENT_S)

    def words(self, now_at: float) -> str:
        """Return what is missing, for people; empty if messages come."""
        if self.trouble:
            return f"the router at {self.router} is away: {self.trouble}; it is tried again"
        if self.missing:
            return self.missing
        if self.came_at is None:
            return f"no message of {self.target}.{self.feed} has come yet"
        age_s = now_at - self.came_at
        if age_s >= SILENT_S:
            return f"no message of {self.target}.{self.feed} has come for {age_s:.0f} s"
        return ""
