"""Puts what happens to the instances into the journal."""

import time
from collections.abc import Callable

from ocsd.daemon.instances.transition import Transition
from ocsd.forkserver.protocol import Ended
from ocsd.history.file import HistoryFile
from ocsd.history.summary import HistoryEntry
from ocsd.supervisor.events import (
    CauseCleared,
    DownRequested,
    Exited,
    RestartRequested,
    UpRequested,
    end_reason,
)

DAEMON = "ocsd"
"""The daemon's name in the journal."""

EXAMINED = "Examined"
"""A hung process was examined; the reason names the folder of the incident."""


_REQUESTS = UpRequested | DownRequested | RestartRequested | CauseCleared
"""What somebody may have asked for."""


def entry_of(transition: Transition) -> HistoryEntry:
    """Return the journal's entry of a transition."""
    event, after = transition.event, transition.after
    request = event if isinstance(event, _REQUESTS) else None
    end = event if isinstance(event, Exited) else None
    return HistoryEntry(
        at=transition.at,
        name=transition.name,
        event=type(event).__name__,
        before=str(transition.before.state),
        after=str(after.state),
        target=str(after.target),
        reason=after.reason,
        pid=transition.pid,
        code=end.code if end else None,
        signal=end.signal if end else None,
        by=request.by if request else "",
    )


class Chronicle:
    """Writes the journal of a host.

    Parameters
    ----------
    journal : HistoryFile
        Where to.
    wall_clock : callable
        Returns the Unix time [s].
    """

    def __init__(self, journal: HistoryFile, wall_clock: Callable[[], float] = time.time) -> None:
        self._journal = journal
        self._wall_clock = wall_clock

    @property
    def trouble(self) -> str:
        """Why entries wait in memory; empty if none do."""
        return self._journal.trouble

    def catch_up(self) -> None:
        """Try again to write what waits."""
        if self._journal.trouble:
            self._journal.flush()

    def close(self) -> None:
        """Write what waits and let go of the file."""
        self._journal.close()

    def transition(self, transition: Transition) -> None:
        """Write down a transition."""
        self._journal.write(entry_of(transition))

    def missed(self, ended: Ended) -> None:
        """Write down that a process ended while there was no daemon."""
        end = Exited(ended.code, ended.signal, ended.detail)
        if ended.code is ended.signal is None:
            reason = "ended while no daemon ran, exit code unknown"
        else:
            reason = f"while no daemon ran: {end_reason(end)}"
        at = self._wall_clock() if ended.ended_at is None else ended.ended_at
        self._journal.write(
            HistoryEntry(
                at,
                ended.name,
                type(end).__name__,
                reason=reason,
                pid=ended.pid,
                code=ended.code,
                signal=ended.signal,
            )
        )

    def note(self, name: str, event: str, reason: str, pid: int | None = None) -> None:
        """Write down something that changed no state.

        Parameters
        ----------
        name : str
            The instance, or `DAEMON`.
        event, reason : str
            What happened, and why or where.
        pid : int, optional
            The process.
        """
        self._journal.write(HistoryEntry(self._wall_clock(), name, event, reason=reason, pid=pid))
