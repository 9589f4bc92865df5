"""Writes the events of the instances into the history."""

import time
from collections.abc import Callable
from dataclasses import dataclass

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
from ocsd.text.logins import without_logins

DAEMON = "ocsd"
"""The daemon's name in the history."""

EXAMINED = "Examined"
"""The event of an examination; the reason names its folder."""


def entry_of(transition: Transition) -> HistoryEntry:
    """Return the history's entry of a transition."""
    event, after = transition.event, transition.after
    code = signal = None
    by = ""
    match event:
        case Exited():
            code, signal = event.code, event.signal
        case UpRequested() | DownRequested() | RestartRequested() | CauseCleared():
            by = event.by
    return HistoryEntry(
        at=transition.at,
        name=transition.instance_id,
        event=type(event).__name__,
        before=str(transition.before.state),
        after=str(after.state),
        target=str(after.target),
        reason=without_logins(after.reason),
        pid=transition.pid,
        code=code,
        signal=signal,
        by=by,
    )


@dataclass(eq=False)
class Chronicle:
    """Writes the history of a host."""

    file: HistoryFile
    wall_clock: Callable[[], float] = time.time
    """Returns the Unix time [s]."""

    @property
    def trouble(self) -> str:
        """Why entries wait in memory; empty if none do."""
        return self.file.trouble

    def catch_up(self) -> None:
        """Try again to write what waits."""
        if self.file.trouble:
            self.file.flush()

    def close(self) -> None:
        """Write what waits and let go of the file."""
        self.file.close()

    def transition(self, transition: Transition) -> None:
        """Write down a transition."""
        self.file.write(entry_of(transition))

    def missed(self, ended: Ended) -> None:
        """Write down that a process ended while there was no daemon."""
        end = Exited(ended.code, ended.signal, ended.detail)
        reason = f"while no daemon ran: {end_reason(end)}"
        if ended.code is ended.signal is None:
            reason = "ended while no daemon ran, exit code unknown"
        at = ended.ended_at
        if at is None:
            at = self.wall_clock()
        self.file.write(
            HistoryEntry(
                at,
                ended.instance_id,
                type(end).__name__,
                reason=reason,
                pid=ended.pid,
                code=ended.code,
                signal=ended.signal,
            )
        )

    def record(
        self,
        instance_id: str,
        event: str,
        reason: str,
        pid: int | None = None,
        by: str = "",
        at: float | None = None,
    ) -> None:
        """Write down an event that changed no state, of an instance or of `DAEMON`.

        It happened at Unix time `at` [s], now by default.
        """
        if at is None:
            at = self.wall_clock()
        told = without_logins(reason)
        self.file.write(HistoryEntry(at, instance_id, event, reason=told, pid=pid, by=by))
