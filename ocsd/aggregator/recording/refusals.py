"""Refused messages: counted by sender, logged, and kept in quarantine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocsd.aggregator.incoming.message import is_name, sender_of
from ocsd.aggregator.incoming.quarantine import Quarantine
from ocsd.aggregator.incoming.tally import Log, Tally


class Refusals:
    """Counts, logs and keeps the messages that cannot be recorded."""

    def __init__(self, folder: Path, log: Log) -> None:
        self._refused = Tally(log, "set aside")
        self._not_kept = Tally(log, "refused and not even kept")
        self._quarantine = Quarantine(folder / "ocsd" / "quarantine")

    def keep(self, at: float, message: object, feed_info: object, reason: str) -> None:
        """Count a message and put it in quarantine at a Unix time [s]; never raises.

        `message` and `feed_info` are None if a defect of ocsd concerns no message.
        """
        sender = sender_of(feed_info)
        self._refused.add(sender, f"{_feed_of(sender, feed_info)}{reason}")
        try:
            self._quarantine.add(at, sender, message, feed_info, reason)
        except OSError as error:
            self._not_kept.add(sender, error.strerror or str(error))

    def count(self, sender: str, reason: str) -> None:
        """Count and log a loss of which no message is left to keep."""
        self._refused.add(sender, reason)

    def encoded(self) -> dict[str, Any]:
        """Return the part of session.data about refusals."""
        return {
            "refused": dict(self._refused.counts),
            "refused_because": dict(self._refused.reasons),
            "not_kept": dict(self._not_kept.counts),
            "not_kept_because": dict(self._not_kept.reasons),
        }


def _feed_of(sender: str, feed_info: object) -> str:
    """Return the feed of a refused message, for people, e.g. ``feed 'temps': ``; or nothing."""
    address = feed_info.get("address") if isinstance(feed_info, Mapping) else None
    if not is_name(address):
        return ""
    return f"feed {address.removeprefix(f'{sender}.feeds.')!r}: "
