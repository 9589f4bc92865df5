"""What is not in the files, and why: a block of a feed of the recorder's own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from ocsd.aggregator.numbers.source_key import SourceKey

HOLES_FEED_NAME: Final = "holes"
HOLES_BLOCK_NAME: Final = "holes"


@dataclass(frozen=True, slots=True)
class Hole:
    """Messages that nobody can give any more.

    Attributes
    ----------
    feed : str
        Address of the feed.
    agent_session : str
        Which run of the agent.
    first, last, count : int
        Numbers of the first and last message, and how many they are. An estimated
        hole has no numbers: 0, -1 and 0.
    from_time, until_time : float
        Unix times of the message before and the message after it [s]; where there
        is none, the best bound that is known.
    cause : str
        For people.
    estimated : bool
        True if the feed has no numbers, and it is the silence that tells.
    """

    feed: str
    agent_session: str
    first: int
    last: int
    count: int
    from_time: float
    until_time: float
    cause: str
    estimated: bool

    def message(self, at: float) -> dict[str, Any]:
        """Return the hole as a message of the feed, recorded at a Unix time [s]."""
        data = {name: [value] for name, value in self.to_json().items()}
        return {
            HOLES_BLOCK_NAME: {"block_name": HOLES_BLOCK_NAME, "timestamps": [at], "data": data}
        }

    def to_json(self) -> dict[str, Any]:
        """Return the attributes by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the hole that `to_json` has described."""
        return cls(**{each.name: stored[each.name] for each in fields(cls)})


def estimate(key: SourceKey, from_time: float, until_time: float, cause: str) -> Hole:
    """Return the hole that a silence of a feed without numbers stands for."""
    return Hole(
        feed=key.address,
        agent_session=key.session_id,
        first=0,
        last=-1,
        count=0,
        from_time=from_time,
        until_time=until_time,
        cause=cause,
        estimated=True,
    )


def finite(*times: float | None, default: float) -> float:
    """Return the first of several times that is one."""
    return next((at for at in times if at is not None and math.isfinite(at)), default)
