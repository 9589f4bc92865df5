"""Requests that take time: the control API streams their progress and results."""

from collections.abc import Callable, Mapping
from typing import Any

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock, Timer
from ocsd.daemon.instances.transition import Transition
from ocsd.supervisor.events import DownRequested, Event, RestartRequested, Target, UpRequested
from ocsd.supervisor.outcome import Outcome, outcome

Write = Callable[[dict[str, Any]], None]


def described(transition: Transition) -> dict[str, Any]:
    """Return the JSON object of a transition."""
    return {
        "event": "transition",
        "instance_id": transition.instance_id,
        "state": str(transition.after.state),
        "reason": transition.after.reason,
        "at": transition.at,
    }


class PendingRequest:
    """One request that moves instances, until each has reached its target or will not.

    Parameters
    ----------
    fleet : Fleet
        The instances; the request must have been delivered to them.
    wanted : mapping of str to Target
        The instances that it moves, and their targets.
    write : callable
        Takes a JSON object for each transition and each result.
    on_end : callable
        Called without arguments after the last result.
    clock : Clock
        The time.
    limit_s : float
        How long to wait at most [s].
    """

    def __init__(
        self,
        fleet: Fleet,
        wanted: Mapping[str, Target],
        write: Write,
        on_end: Callable[[], None],
        clock: Clock,
        limit_s: float,
    ) -> None:
        self._fleet = fleet
        self._wanted = wanted
        self._write = write
        self._on_end = on_end
        self._clock = clock
        self._begun_s = clock.seconds()
        # The keepers, because an instance may be removed from the site file meanwhile.
        keepers = {name: fleet.keeper(name) for name in wanted}
        self._open = {name: keeper for name, keeper in keepers.items() if keeper is not None}
        self._timer: Timer = clock.callLater(limit_s, self._give_up)
        self._unobserve = fleet.observe(self._observe)

    def report_settled(self) -> None:
        """Report the instances that have reached their targets already."""
        for name in list(self._open):
            self._judge(name)
        self._finish_if_done()

    def abandon(self) -> None:
        """Stop reporting, because the client is gone; the request itself goes on."""
        self._unobserve()
        if self._timer.active():
            self._timer.cancel()

    def _observe(self, transition: Transition) -> None:
        if transition.instance_id in self._open:
            self._write(described(transition))
            instead = ""
            if transition.after.target is not self._wanted[transition.instance_id]:
                instead = _instead(transition.event)
            self._judge(transition.instance_id, instead)
            self._finish_if_done()

    def _judge(self, name: str, instead: str = "") -> None:
        progress = outcome(self._wanted[name], self._open[name].life)
        if progress is not Outcome.PENDING:
            self._close(name, progress is Outcome.REACHED, instead)

    def _close(
        self, name: str, came_about: bool, instead: str = "", timed_out: bool = False
    ) -> None:
        keeper = self._open.pop(name)
        self._write(
            {
                "event": "result",
                "instance_id": name,
                "ok": came_about,
                "state": str(keeper.life.state),
                "reason": instead or keeper.life.reason or keeper.report.text,
                "took_s": round(self._clock.seconds() - self._begun_s, 3),
                "timed_out": timed_out,
            }
        )

    def _give_up(self) -> None:
        for name in list(self._open):
            self._close(name, came_about=False, timed_out=True)
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        if not self._open:
            self.abandon()
            self._on_end()


def _instead(event: Event) -> str:
    """Return another user's request that came meanwhile; empty if the state itself shows it."""
    match event:
        case DownRequested(by, "") if by:
            return f"put down meanwhile by {by}"
        case UpRequested(by) | RestartRequested(by) if by:
            return f"asked to run meanwhile by {by}"
        case _:
            return ""
