"""What the counting agents have published, by their own account."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.counting.counting_agent import Counter


@dataclass(frozen=True, slots=True)
class Published:
    """One feed of one life of an agent.

    Attributes
    ----------
    feed, session_id : str
        Which one.
    may_be, sure : int
        The samples before `sure` are published; those before `may_be` may be, for the
        agent was perhaps killed as it published them.
    per_message, rate_hz : int
        Samples per message, and per second.
    begun_at : float
        Time of the first sample [s, Unix time].
    """

    feed: str
    session_id: str
    may_be: int
    sure: int
    per_message: int
    rate_hz: int
    begun_at: float

    @property
    def agent(self) -> str:
        """The instance-id."""
        return self.feed.split(".")[1]


def read(folder: Path) -> Iterator[Published]:
    """Yield what all agents have published in all their lives."""
    for path in sorted(folder.iterdir()):
        feed, session_id = path.name.split("@")
        may_be, sure, per_message, rate_hz, begun_at = Counter.FORMAT.unpack(path.read_bytes())
        yield Published(feed, session_id, may_be, sure, per_message, rate_hz, begun_at)
