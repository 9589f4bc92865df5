"""The agents that are heard: which are asked, how far they have come, and who records them."""

from collections.abc import Mapping
from typing import Any

from ocsd.agent.feeds.heartbeat import HEARTBEAT
from ocsd.aggregator.fetching.answers import read_numbers
from ocsd.aggregator.fetching.ask import Fetcher
from ocsd.aggregator.incoming.message import sender_of
from ocsd.aggregator.numbers.share import Share, host_of
from ocsd.aggregator.recording.arrivals import Announced
from ocsd.aggregator.recording.elsewhere import Elsewhere
from ocsd.aggregator.recording.intake import Intake


class Senders:
    """Registers agents by their numbered messages (reactor thread)."""

    def __init__(self, fetcher: Fetcher, intake: Intake, share: Share) -> None:
        self._elsewhere = Elsewhere()
        self._fetcher = fetcher
        self._intake = intake
        self._share = share
        self._announced: dict[str, Announced] = {}

    def encoded(self, now_s: float) -> dict[str, Any]:
        """Return whose feeds are recorded here, and where others are, at a monotonic time [s]."""
        if self._share.of_site:
            return {"elsewhere": self._elsewhere.feeds(now_s)}
        return {"only_of_host": self._share.host}

    def register(self, feed_info: Mapping[str, Any], now_s: float) -> None:
        """Register the sender of a numbered message at a monotonic time [s].

        The numbers of its heartbeat are kept for `flush`, if they are recorded here.
        """
        sender = sender_of(feed_info)
        session_id = feed_info.get("session_id")
        host = host_of(feed_info)
        ours = self._share.has(feed_info)
        # Of the agents of other hosts, the aggregator of one host asks none.
        if self._share.of_site or ours or self._fetcher.knows(sender):
            self._fetcher.agent_seen(sender, str(session_id))
        if feed_info.get("feed_name") != HEARTBEAT:
            return
        self._fetcher.recorder_told(sender, host)
        numbers = read_numbers(sender, session_id, feed_info.get("feeds"))
        self._elsewhere.hear(sender, None if ours else host, len(numbers), now_s)
        if ours and numbers:
            before = self._announced.get(sender)
            if before is not None:
                numbers = {**before.next_numbers, **numbers}
            self._announced[sender] = Announced(sender, numbers)

    def flush(self) -> None:
        """Put the numbers of all heartbeats since the last time into the queue, all at once.

        The recording thread wakes up once for all of them. They are in line with the messages:
        those before them in the queue are not missing.
        """
        announced, self._announced = self._announced, {}
        if not self._intake.full:
            for each in announced.values():
                self._intake.put(each)
