"""A journal that grows, and a viewer that keeps what is drawn as the page does."""

import math
from dataclasses import dataclass, field

from ocsd import journal
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.web.live.cursor import LiveBegin, LiveRedraw
from ocsd.web.live.live import Live
from ocsd.web.live.recent import RecentBlocks
from tests.unit.journal.written import chunk, layout

FEED = "observatory.a.feeds.f"


class Journal:
    """A writer, a `Live` that reads behind it, and a clock."""

    def __init__(self, folder, segment_bytes=10**6, **recent):
        self.now = 1000.0
        self.folder = folder
        self.writer = JournalWriter(folder, 0, segment_bytes)
        self.live = Live(folder, lambda: self.now, RecentBlocks(**recent))
        self.number = 0
        self.writer.event(journal.Alive(self.now - 5.0))
        self.poll()

    def write(self, times, address=FEED, name="block", kinds=None, **columns):
        """Write a message of a block."""
        fields = kinds or dict.fromkeys(columns, journal.format.Kind.FLOAT)
        rows = list(zip(*columns.values(), strict=True))
        of = layout(fields, address=address, name=name)
        self.writer.message(self.number, self.now, [chunk(of, *rows, times=list(times))])
        self.number += 1

    def poll(self):
        self.live.poll()
        while self.live.behind:
            self.live.poll()

    def close(self):
        self.live.close()
        self.writer.close()


@dataclass
class Viewer:
    """Joins the updates of a cursor."""

    cursor: object
    since: float = math.inf
    begins: int = 0
    redraws: list = field(default_factory=list)
    columns: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)

    def look(self):
        for event in self.cursor.updates():
            match event:
                case LiveBegin(since, _):
                    self.since = since
                    self.begins += 1
                    self.columns, self.texts = {}, {}
                case LiveRedraw(since):
                    self.redraws.append(since)
                case _:
                    self._draw(event)

    def _draw(self, update):
        for name, columns in update.columns.items():
            drawn = self.columns.setdefault(name, {})
            for at, *values in zip(*columns, strict=True):
                drawn[float(at)] = tuple(map(float, values))
        for name, changes in update.texts.items():
            self.texts.setdefault(name, []).extend(changes)
