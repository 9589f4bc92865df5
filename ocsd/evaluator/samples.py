"""Samples for the board, from the entries of the recorder's journal."""

from collections import defaultdict
from collections.abc import Iterable

from ocsd.alarms.board import AlarmBoard, AlarmEvent
from ocsd.journal import Entry, Message
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock, numbers_of

_BEFORE_FEED = ".feeds."

_MOST_LAYOUTS = 20_000
"""A sender may make up ever new layouts; the ones that came up first are forgotten."""


class AlarmSamples:
    """Gives a board the samples of the fields that its alarms are about."""

    def __init__(self, board: AlarmBoard) -> None:
        self._board = board
        self._wanted: dict[Layout, dict[str, str]] = {}
        self._feeds: dict[Layout, str] = {}
        self.arrived_at = float("-inf")
        """When the newest message came [s, Unix time]."""
        self.texts: set[str] = set()
        """Fields that alarms are about, and that cannot be judged: they are text."""

    def read(self, entries: Iterable[Entry]) -> list[AlarmEvent]:
        """Take in entries of the journal, and return what happened."""
        events: list[AlarmEvent] = []
        blocks: defaultdict[Layout, list[PackedBlock]] = defaultdict(list)
        for entry in entries:
            if isinstance(entry, Message):
                self.arrived_at = max(entry.arrived_at, self.arrived_at)
                for packed in entry.blocks:
                    feed, wanted = self._of(packed.layout)
                    if packed.length:
                        self._board.heard(feed, entry.arrived_at)
                        if wanted:
                            blocks[packed.layout].append(packed)
        for layout, packed_blocks in blocks.items():
            events += self._judge(layout, packed_blocks)
        return events

    def _judge(self, layout: Layout, blocks: list[PackedBlock]) -> Iterable[AlarmEvent]:
        wanted = self._wanted[layout]
        times, columns = numbers_of(blocks, list(wanted))
        for full, values in zip(wanted.values(), columns, strict=True):
            yield from self._board.sampled(full, times.tolist(), values.tolist())

    def _of(self, layout: Layout) -> tuple[str, dict[str, str]]:
        """Return the feed of a layout, and its fields that are wanted by the names of both."""
        feed = self._feeds.get(layout)
        if feed is None:
            if len(self._feeds) > _MOST_LAYOUTS:
                self._feeds.clear()
                self._wanted.clear()
            feed = self._feeds[layout] = feed_name(layout.origin.address)
            kinds = {
                name: kind
                for name, kind in layout.kinds.items()
                if f"{feed}.{name}" in self._board.fields
            }
            self.texts |= {f"{feed}.{name}" for name in kinds if kinds[name] is Kind.TEXT}
            self._wanted[layout] = {
                name: f"{feed}.{name}" for name in kinds if kinds[name] is not Kind.TEXT
            }
        return feed, self._wanted[layout]


def feed_name(address: str) -> str:
    """Return a feed as conditions name it: ``INSTANCE.FEED`` of ``ROOT.INSTANCE.feeds.FEED``."""
    agent, _, feed = address.partition(_BEFORE_FEED)
    return f"{agent.rpartition('.')[2]}.{feed}"
