"""Known senders, remembered because reading every feed_info in full would take long."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ocsd.agent.feeds.units import LABELS, UNITS
from ocsd.aggregator.disk.ledger import Ledger
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.message import read_origin
from ocsd.journal.origin import Origin

# A bound for hostile senders; beyond it every feed_info is read again.
_MOST: Final = 20_000


class _Sender(NamedTuple):
    stated: tuple[object, ...]
    """All of feed_info that the origin depends on."""
    origin: Origin
    source: Source


class Introductions:
    """Finds the source of a message in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._senders: dict[Any, _Sender] = {}

    def of(self, feed_info: Mapping[str, Any]) -> tuple[Origin, Source | None]:
        """Return sender and source of a message; no source if it is not to be recorded here.

        Raises
        ------
        RefusedError
            If feed_info does not say which feed and session it belongs to.
        """
        get = feed_info.get
        place = (get("address"), get("session_id"), get("seq") is not None)
        sender = get("agent_address")
        stated = (sender, get("agg_params"), get("agent_class"), get(UNITS), get(LABELS))
        try:
            entry = self._senders.get(place)
            if entry is not None and entry.stated == stated:
                return entry.origin, entry.source
        except (TypeError, RecursionError):
            pass  # E.g. a list in place of a text: `read_origin` finds the fault.
        origin = read_origin(feed_info)
        if not origin.wanted:
            return origin, None
        source = self._ledger.source_of(origin)
        if len(self._senders) >= _MOST:
            self._senders.clear()
        if isinstance(sender, str | None) and all(isinstance(p, str | float | int) for p in place):
            self._senders[place] = _Sender(stated, origin, source)
        return origin, source

    def forget(self) -> None:
        """Read every feed_info again, because the ledger has forgotten some sources."""
        self._senders.clear()
