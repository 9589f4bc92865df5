"""Counts by sender of messages that were not recorded."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Protocol

# Senders beyond this many are counted as "others": memory must not depend on the names
# that senders make up.
MOST_SENDERS: Final = 1000
OTHERS: Final = "others"


class Log(Protocol):
    """The part of txaio's logger that the aggregator uses."""

    def info(self, text: str, /, **fields: Any) -> None:
        """Write a line about something normal."""

    def warn(self, text: str, /, **fields: Any) -> None:
        """Write a line about something that needs attention."""


class Tally:
    """Counts by sender, remembers the latest reason, and logs without flooding.

    The log gets the 1st, 10th, 100th and every 1000th case of a sender, with the fate of the
    messages, e.g. ``'set aside'``.
    """

    def __init__(self, log: Log, fate: str) -> None:
        self.counts: Counter[str] = Counter()
        self.reasons: dict[str, str] = {}
        self._log = log
        self._fate = fate

    def add(self, sender: str, reason: str) -> None:
        """Count one case, and log some of them."""
        sender = self.count(sender, reason)
        count = self.counts[sender]
        if count in {1, 10, 100} or count % 1000 == 0:
            text = "{fate} from {sender} (number {count}): {reason}"
            self._log.warn(text, fate=self._fate, sender=sender, count=count, reason=reason)

    def count(self, sender: str, reason: str) -> str:
        """Count one case, and return the name under which it counts."""
        if sender not in self.counts and len(self.counts) >= MOST_SENDERS:
            sender = OTHERS
        self.counts[sender] += 1
        self.reasons.pop(sender, None)  # The latest reason is the last.
        self.reasons[sender] = reason
        return sender


def together(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of two counts by name."""
    # Copies are made in one step each, because another thread may be counting.
    return dict(Counter(dict(counts)) + Counter(dict(more)))
