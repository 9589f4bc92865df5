"""The key of a source, and the report about its missing numbers."""

from dataclasses import dataclass
from typing import NamedTuple


class SourceKey(NamedTuple):
    """A feed in one life of its agent; its messages share one numbering."""

    address: str
    """Address of the feed."""
    session_id: str
    """The life of the agent."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The numbers of one source that came in or are missing."""

    sender: str
    """Address of the agent that has them."""
    next_number: int
    """The number after the highest one that is known to exist."""
    missing: tuple[tuple[int, int], ...]
    """Numbers below `next_number` that have not come in and are not given up, as ascending,
    disjoint, half-open ranges ``(first, end)``.
    """
    first_number: int
    """The number at which counting begins. 0 if `from_zero`; otherwise the lowest that came in:
    lower ones that the agent's spool still holds are worth asking for, but do not become a hole if
    it does not.
    """
    from_zero: bool
    """Whether the source has to be complete from number 0: its session began after this folder was
    first recorded.
    """
