"""When the recording has to wait, and since when."""

import os
from pathlib import Path
from typing import Final

from ocsd.aggregator.archive import folder_trouble
from ocsd.aggregator.filing import Filing
from ocsd.aggregator.moment import Moment

# While files cannot be written but the journal can, so much is taken; what comes
# then is left to the spools.
MOST_WAITING_BYTES: Final = 256 * 2**20

# So much room a full disk must have before it is tried again: room for one small
# record would end the pause for a moment only [bytes].
LEAST_ROOM: Final = 2**20


class Pause:
    """The state of waiting for the disk.

    Parameters
    ----------
    folder : Path
        The data folder.

    Attributes
    ----------
    reason : str or None
        Why the recording pauses; None if it does not.
    disk_refuses : bool
        True if the journal cannot be written; it is not, while only the G3 files
        cannot and memory is full.
    """

    def __init__(self, folder: Path) -> None:
        self.reason: str | None = None
        self.disk_refuses = False
        self._folder = folder
        self._began = Moment(at=0.0, mono_s=0.0)

    def begin(self, now: Moment, error: OSError) -> bool:
        """Note that the journal cannot be written; True if that is news."""
        news = self.reason is None
        if news:
            self._began = now
        self.reason = str(folder_trouble(self._folder, error))
        self.disk_refuses = True
        return news

    def look(self, filing: Filing, now: Moment) -> None:
        """Pause if too much waits for files that cannot be written."""
        if self.reason is None and filing.trouble and filing.buffered_bytes >= MOST_WAITING_BYTES:
            self.reason = filing.trouble
            self._began = now

    def has_room(self) -> bool:
        """Tell whether the disk has room again, as far as it can be known."""
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return False
        return found.f_bavail * found.f_frsize >= LEAST_ROOM

    def end(self, filing: Filing) -> tuple[float, str] | None:
        """End the pause, for the journal can be written.

        Returns
        -------
        (float, str) or None
            Unix time [s] of its begin, and the reason; None if there is no pause
            or it has to go on.
        """
        if self.reason is None:
            return None
        self.disk_refuses = False
        if filing.trouble and filing.buffered_bytes >= MOST_WAITING_BYTES:
            return None
        reason, self.reason = self.reason, None
        return self._began.at, reason
