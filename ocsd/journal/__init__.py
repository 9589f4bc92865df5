"""The recorder's journal: its format, and reading it while it is written.

The aggregator writes every message to the journal before it does anything else with it
(`ocsd.aggregator.disk.journal_writer`). `format` has the records, `layout` the packed samples in them, `origin` their sender, `kinds` the types of
fields, `ranges` sets of numbers, `segments` the files. Begin with `format`.
"""

from ocsd.journal.format import (
    MAGIC,
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
    "Alive",
    "BlockKey",
    "Cover",
    "Event",
    "File",
    "FrameAppended",
    "Message",
    "Outage",
    "block_key",
    "journal_folder",
    "read",
    "segments",
]
