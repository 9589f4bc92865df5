"""The recorder's journal: its format, and reading it while it is written.

The aggregator writes every message to the journal before it does anything else with it
(`ocsd.aggregator.disk.journal_writer`); docs/reference/journal.md has every byte. `format` has
the records, `layout` the packed samples in them, `origin` their sender, `kinds` the types of
fields, `ranges` sets of numbers, `segments` the files; `follower` reads them as they grow, through
`open_segment`. Begin with `format`.
"""

from ocsd.journal.follower import Entry, JournalFollower, JournalPlace, Lost, Start
from ocsd.journal.format import (
    MAGIC,
    VERSION,
    Alive,
    BlockKey,
    Cover,
    Event,
    File,
    FrameAppended,
    Message,
    Outage,
    block_key,
    read,
)
from ocsd.journal.segments import journal_folder, segments

__all__ = [
    "MAGIC",
    "VERSION",
    "Alive",
    "BlockKey",
    "Cover",
    "Entry",
    "Event",
    "File",
    "FrameAppended",
    "JournalFollower",
    "JournalPlace",
    "Lost",
    "Message",
    "Outage",
    "Start",
    "block_key",
    "journal_folder",
    "read",
    "segments",
]
