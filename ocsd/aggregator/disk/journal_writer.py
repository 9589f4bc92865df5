"""The journal of a data folder, in segments."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ocsd import journal
from ocsd.aggregator.disk.append_file import AppendFile, sync_and_close
from ocsd.journal.format import event_record, layout_record, message_records
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.system.files import sync

SEGMENT_BYTES: Final = 16 * 2**20


class JournalWriter:
    """Appends records to the current segment, and begins another when it is full.

    The system has a record before `message` and the others return, so that
    the death of this process loses none. All methods that write raise OSError if the disk
    refuses; then nothing has been written.

    Attributes
    ----------
    segment : int
        Number of the current segment; the first one must not exist.
    """

    def __init__(
        self, folder: Path, first_segment: int, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._ended: list[int] = []
        self._layouts: dict[Layout, int] = {}
        self._g3_file: journal.File | None = None
        self.segment = first_segment
        self._file = self._create(first_segment)

    def message(self, number: int, arrived_at: float, blocks: Sequence[PackedBlock]) -> int:
        """Write a message, and return the segment that it is in."""
        return self.messages(arrived_at, [(number, blocks)])

    def messages(
        self, arrived_at: float, entries: Sequence[tuple[int, Sequence[PackedBlock]]]
    ) -> int:
        """Write several messages at once, and return the segment that they are in."""
        self._make_room()
        layouts = self._layouts
        fresh = {c.layout: None for _, blocks in entries for c in blocks if c.layout not in layouts}
        if fresh:
            numbers = {layout: len(layouts) + i for i, layout in enumerate(fresh)}
            self._append(b"".join([layout_record(n, each) for each, n in numbers.items()]))
            layouts.update(numbers)
        try:
            self._append(b"".join(message_records(arrived_at, entries, layouts)))
        except OSError:
            # Who has read the first of several records goes on behind them, which is nowhere.
            self._segment_is_torn |= len(entries) > 1
            raise
        return self.segment

    def event(self, event: journal.Event) -> None:
        """Write anything else than a message."""
        self._make_room()
        self._append(event_record(event))
        match event:
            case journal.File():
                self._g3_file = event
            case journal.FrameAppended(name, offset, length):
                self._g3_file = journal.File(name, offset + length)

    @property
    def path(self) -> Path:
        """Path of the current segment."""
        return self._file.path

    def take_unsynced(self) -> list[int]:
        """Return descriptors of all segments that are not synced; the caller closes them.

        Raises
        ------
        OSError
            If no descriptor is left; then all of them are still due.
        """
        current = os.dup(self._file.descriptor)
        ended, self._ended = self._ended, []
        return [*ended, current]

    def sync(self) -> None:
        """Sync everything that was written to the disk; this may take a while."""
        for descriptor in self.take_unsynced():
            sync_and_close(descriptor)
        sync(self._folder)

    def segments(self) -> list[tuple[int, Path]]:
        """Return number and path of all segments in the folder, ascending."""
        return journal.segments(self._folder)

    def close(self) -> None:
        """End the current segment."""
        for descriptor in [*self._ended, self._file.descriptor]:
            os.close(descriptor)

    def _append(self, records: bytes) -> None:
        before = self._file.length
        try:
            self._file.append(records)
        except OSError:
            if os.fstat(self._file.descriptor).st_size != before:
                # A torn record hides the next ones, so they go into another segment.
                self._segment_is_torn = True
            raise

    def _make_room(self) -> None:
        if self._file.length < self._segment_bytes and not self._segment_is_torn:
            return
        fresh = self._create(self.segment + 1)
        self._ended.append(self._file.descriptor)
        self._file = fresh
        self.segment += 1
        self._layouts = {}

    def _create(self, number: int) -> AppendFile:
        file = AppendFile(self._folder / f"{number:08}.wal")
        try:
            beginning = journal.MAGIC
            if self._g3_file is not None:
                # So that a torn end of the G3 file is known from this segment too.
                beginning += event_record(self._g3_file)
            file.append(beginning)
        except OSError:
            file.discard()
            raise
        self._segment_is_torn = False
        return file
