"""A hole: messages that are in no file, and why. The recorder has a feed of its own for them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from ocsd.aggregator.numbers.source_key import SourceKey

HOLES_FEED_NAME: Final = "holes"
HOLES_BLOCK_NAME: Final = "holes"


@dataclass(frozen=True, slots=True)
class Hole:
    """Messages that no agent can deliver any more."""

    feed: str
    """Address of the feed."""
    agent_session: str
    """The life of the agent."""
    first: int
    last: int
    count: int
    """Numbers of the first and last message, and their count. An estimated hole has no numbers: 0,
    -1 and 0.
    """
    from_time: float
    until_time: float
    """Unix times of the message before and the message after it [s], or else the best known bounds.
    """
    cause: str
    """For people."""
    estimated: bool
    """True if the feed has no numbers, and only its silence shows the hole."""

    def message(self, at: float) -> dict[str, Any]:
        """Return the hole as a message of the feed, recorded at a Unix time [s]."""
        data = {name: [value] for name, value in self.to_json().items()}
        return {
            HOLES_BLOCK_NAME: {"block_name": HOLES_BLOCK_NAME, "timestamps": [at], "data": data}
        }

    def describe(self) -> str:
        """Return the loss in words for operators."""
        count = self.count or "some"  # An estimated hole has no count.
        return f"{count} messages of {self.feed} are lost: {self.cause}"

    def to_json(self) -> dict[str, Any]:
        """Return the attributes by name."""
        # `asdict` copies deeply, which takes long for ten thousand holes.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the hole that `to_json` has described."""
        return cls(**{field.name: stored[field.name] for field in fields(cls)})


def make_hole(
    key: SourceKey, first: int, end: int, from_time: float, until_time: float, cause: str
) -> Hole:
    """Return the hole of the numbers from `first` to before `end`; without any, it is estimated."""
    return Hole(
        *key, first, end - 1, end - first, from_time, until_time, cause, estimated=first == end
    )


def finite(*times: float | None, default: float) -> float:
    """Return the first of several times that is known and finite."""
    return next((at for at in times if at is not None and math.isfinite(at)), default)
