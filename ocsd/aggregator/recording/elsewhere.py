"""The agents whose feeds other aggregators of the site record, as their heartbeats say."""

from collections import Counter
from typing import Final, NamedTuple

HEARD_S: Final = 60.0
"""An agent that was not heard for longer is not counted [s]."""

MOST_AGENTS_ELSEWHERE: Final = 20_000
"""A bound for hostile senders."""


class _Heard(NamedTuple):
    host: str
    feeds: int
    at_s: float


class Elsewhere:
    """Counts their feeds; all methods belong to one thread."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def hear(self, agent: str, host: str | None, feeds: int, now_s: float) -> None:
        """Register the heartbeat of an agent at a monotonic time [s]; None: it is ours."""
        if host is None:
            self._heard.pop(agent, None)
        elif agent in self._heard or len(self._heard) < MOST_AGENTS_ELSEWHERE:
            self._heard[agent] = _Heard(host, feeds, now_s)

    def feeds(self, now_s: float) -> dict[str, int]:
        """Return the number of feeds by host, of agents that were heard lately."""
        self._heard = {
            agent: heard for agent, heard in self._heard.items() if now_s - heard.at_s <= HEARD_S
        }
        counts: Counter[str] = Counter()
        for heard in self._heard.values():
            counts[heard.host] += heard.feeds
        return {host: count for host, count in sorted(counts.items()) if count}
