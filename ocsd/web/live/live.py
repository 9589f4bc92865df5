"""Live values of all recorded feeds, read from the recorder's journal on the disk."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from weakref import WeakSet

from ocsd.errors import OcsdError
from ocsd.journal import Alive, Entry, JournalFollower, Lost, Message, Outage
from ocsd.web.live.cursor import Journaled, LiveCursor
from ocsd.web.live.latest import LatestValue
from ocsd.web.live.recent import RecentBlocks
from ocsd.web.live.tally import Tallies
from ocsd.web.refusals import BusyError, RequestRefusedError

MOST_CURSOR_BYTES: Final = 128 * 2**20
"""Memory for the columns of all viewers together."""

AHEAD_S: Final = 2.0
"""Clocks of agents may be ahead of this host by this [s]: a sample that was recorded before the
journal began is not newer than its beginning and this.
"""

_POLL_BYTES: Final = 2**23

# Finding the place in a journal that cannot be read costs as much as reading a segment.
_RETRY_S: Final = 5.0


class Live:
    """Follows the journal of a data folder for all viewers.

    Parameters
    ----------
    folder : Path
        That of the journal (`ocsd.journal.journal_folder`).
    clock : callable
        Returns the Unix time [s].

    Attributes
    ----------
    trouble : str or None
        Why the journal cannot be read; None if all is well.
    tallies : Tallies
        The count of what was read.
    """

    def __init__(
        self, folder: Path, clock: Callable[[], float], recent: RecentBlocks | None = None
    ) -> None:
        self.trouble: str | None = None
        self.tallies = Tallies()
        self._follower = JournalFollower(folder)
        self._clock = clock
        self._recent = recent or RecentBlocks()
        self._gaps = 0
        self._retry_at = 0.0
        self._since_at: float | None = None
        self._cursors: WeakSet[LiveCursor] = WeakSet()

    def poll(self) -> list[Entry]:
        """Read what the journal has more, about 8 MiB at most; call it ten times a second.

        Returns
        -------
        list of Entry
            For others that want to know it.
        """
        if self.trouble and 0 <= self._retry_at - self._clock() <= _RETRY_S:
            return []
        try:
            entries = self._follower.poll(_POLL_BYTES)
        except (OSError, OcsdError) as error:
            self.trouble = str(error)
            self._retry_at = self._clock() + _RETRY_S
            return []
        self.trouble = None
        for entry in entries:
            match entry:
                case Message():
                    self._see(entry.arrived_at)
                    self._recent.add(entry)
                    self.tallies.add(entry)
                case Alive(at) | Outage(ended_at=at):
                    self._see(at)
                case Lost():
                    self._gaps += 1
                    self._since_at = None
                    self._recent.forget()
        return entries

    @property
    def behind(self) -> bool:
        """True if the next `poll` has more at once."""
        return self._follower.behind

    def watch(self, fields: Iterable[str], step_s: float, since_at: float) -> LiveCursor:
        """Return a cursor for a viewer of fields; let go of it to end it.

        Parameters
        ----------
        fields : iterable of str
            Full names; those that do not exist yet are followed when they come.
        step_s : float
            Length of the columns [s], which is rounded down to a power of two.
        since_at : float
            Time from which columns are wanted [s, Unix time].

        Raises
        ------
        RequestRefusedError
            If the step is not a positive number.
        BusyError
            If the fields of all viewers together need too much memory.
        """
        if not 0 < step_s < float("inf") or abs(since_at) == float("inf") or since_at != since_at:
            raise RequestRefusedError(
                f"step {step_s} and since {since_at} have to be numbers, step above 0"
            )
        cursor = LiveCursor(self._recent, self._journaled, fields, step_s, since_at)
        taken = sum(each.size_bytes for each in self._cursors)
        if taken + cursor.size_bytes > MOST_CURSOR_BYTES:
            raise BusyError(
                f"{len(self._cursors)} viewers look at so many fields that {cursor.size_bytes} "
                f"bytes more would exceed the limit of {MOST_CURSOR_BYTES}; choose fewer fields, "
                "or close a page"
            )
        self._cursors.add(cursor)
        return cursor

    def latest(self) -> list[LatestValue]:
        """Return the newest value of each field, in the order of names."""
        newest: dict[str, LatestValue] = {}
        for track in self._recent.tracks():
            for value in track.newest.values():
                before = newest.get(value.field)
                if before is None or before.at <= value.at:
                    newest[value.field] = value
        return [newest[name] for name in sorted(newest)]

    def close(self) -> None:
        """Close the journal."""
        self._follower.close()

    def _see(self, at: float) -> None:
        if self._since_at is None:
            self._since_at = at

    def _journaled(self) -> Journaled:
        since_at = self._since_at
        if since_at is None:
            since_at = self._clock()
        return Journaled(self._gaps, since_at + AHEAD_S)
