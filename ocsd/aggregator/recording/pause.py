"""The pause of a recording: its reason, its begin, and the messages that it leaves out."""

import os
from pathlib import Path
from typing import Final

from ocsd.aggregator.disk.archive import folder_trouble
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log, Tally
from ocsd.aggregator.recording.frame_writing import Filing

# Memory for blocks while files cannot be written but the journal can; beyond it, messages
# are left to the spools.
MOST_WAITING_BYTES: Final = 256 * 2**20

# Room that a full disk must have before it is tried again [bytes]: room for one small
# record would end the pause for a moment only.
LEAST_ROOM: Final = 2**20

ROOM_FOR_BATCH: Final = 2**24
"""Room from which on messages are written one by one [bytes]. If a disk is full in the middle of a
batch, followers of the journal may have seen the first messages, which are then written again."""


class Pause:
    """The state of waiting for the disk; its begin and its end are a line each in the log.

    Attributes
    ----------
    reason : str or None
        The reason of the pause; None if the recording goes on.
    disk_refuses : bool
        True if the journal cannot be written; False if only the G3 files cannot, and
        memory is full.
    left_out, dropped : Tally
        Messages of all pauses: with a number, which can be fetched later, and without.
    """

    def __init__(self, folder: Path, log: Log) -> None:
        self.reason: str | None = None
        self.disk_refuses = False
        self.left_out = Tally(log, "left to the spool")
        self.dropped = Tally(log, "dropped")
        self._folder = folder
        self._log = log
        self._began = Instant(at=0.0, mono_s=0.0)
        self._fetchable = self._gone = 0

    @property
    def trouble(self) -> str | None:
        """The pause in words for operators; None if the recording goes on."""
        if self.reason is None:
            return None
        return (
            f"recording pauses: {self.reason}; then it goes on by itself, and fetches from the "
            "agents what it has left out"
        )

    def begin(self, now: Instant, error: OSError) -> None:
        """Begin a pause because the journal cannot be written."""
        self.disk_refuses = True
        self._begin(now, str(folder_trouble(self._folder, error)))

    def check_backlog(self, filing: Filing, now: Instant) -> None:
        """Begin a pause if too much waits for files that cannot be written."""
        if self.reason is None and filing.trouble and filing.buffered_bytes >= MOST_WAITING_BYTES:
            self._begin(now, filing.trouble)

    def leave_out(self, source: Source) -> None:
        """Count a message that is not taken."""
        if source.numbered:
            self._fetchable += 1
            self.left_out.count(source.sender, self.reason or "")
        else:
            self._gone += 1
            self.dropped.count(source.sender, self.reason or "")

    def has_room(self, least_bytes: int = LEAST_ROOM) -> bool:
        """Return whether the disk has room; False if that cannot be found out."""
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return False
        return disk.f_bavail * disk.f_frsize >= least_bytes

    def end(self, filing: Filing, now: Instant) -> tuple[float, str] | None:
        """End the pause, because the journal can be written.

        Return the Unix time [s] of its begin, and the reason; None if there is no pause, or
        if it has to go on.
        """
        if self.reason is None:
            return None
        self.disk_refuses = False
        if filing.trouble and filing.buffered_bytes >= MOST_WAITING_BYTES:
            return None
        reason, self.reason = self.reason, None
        self._log.info("{summary}", summary=self._summary(now))
        return self._began.at, reason

    def _begin(self, now: Instant, reason: str) -> None:
        begins = self.reason is None
        self.reason = reason
        if begins:
            self._began = now
            self._fetchable = self._gone = 0
            self._log.warn("{trouble}", trouble=self.trouble)

    def _summary(self, now: Instant) -> str:
        words = [f"recording again after {now.mono_s - self._began.mono_s:.0f} s"]
        if self._fetchable:
            words.append(f"{self._fetchable} messages were left to the agents and are fetched now")
        if self._gone:
            words.append(f"{self._gone} messages without numbers are gone")
        return "; ".join(words)
