"""Who is known to send, so that not every message has to be read for it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ocsd.aggregator.disk.ledger import Ledger
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.message import Origin, read_origin

# A bound for hostile senders; beyond it all introduce themselves again.
_MOST: Final = 20_000


class _Known(NamedTuple):
    sender: object
    parameters: object
    origin: Origin
    source: Source


class Introductions:
    """Find the source of a message.

    Parameters
    ----------
    ledger : Ledger
        Has the sources.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[Any, _Known] = {}

    def of(self, feed_info: Mapping[str, Any]) -> tuple[Origin, Source | None]:
        """Return who sent a message.

        Returns
        -------
        Origin
            The sender.
        Source or None
            None if the feed is not wanted here.

        Raises
        ------
        RefusedError
            If feed_info does not say which feed and session it belongs to.
        """
        place = (
            feed_info.get("address"),
            feed_info.get("session_id"),
            feed_info.get("seq") is not None,
        )
        sender, parameters = feed_info.get("agent_address"), feed_info.get("agg_params")
        try:
            known = self._known.get(place)
            if known is not None and (known.sender, known.parameters) == (sender, parameters):
                return known.origin, known.source
        except (TypeError, RecursionError):
            pass  # It has a list where a text belongs, or worse.
        origin = read_origin(feed_info)
        if not origin.wanted:
            return origin, None
        source = self._ledger.source_of(origin)
        if len(self._known) >= _MOST:
            self._known.clear()
        if isinstance(sender, str | None) and _plain(place):
            self._known[place] = _Known(sender, parameters, origin, source)
        return origin, source

    def forget(self) -> None:
        """Have all introduce themselves again, for the ledger has forgotten some."""
        self._known.clear()


def _plain(place: tuple[object, ...]) -> bool:
    return all(isinstance(each, str | float | int) for each in place)
