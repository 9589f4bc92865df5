"""Requests that take time: the control API streams their progress and results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(eq=False)
class PendingRequest:
    """One request that moves instances, until each has reached its target or will not."""

    fleet: Fleet
    wanted: Mapping[str, Target]
    """The instances that it moves, and their targets."""
    write: Write
    """Takes a JSON object for each transition and each result."""
    on_end: Callable[[], None]
    """Called after the last result."""
    clock: Clock
    limit_s: float
    """The longest wait [s]."""

    def __post_init__(self) -> None:
        self._begun_s = self.clock.seconds()
        # The keepers, because an instance may be removed from the site file meanwhile.
        keepers = {name: self.fleet.keeper(name) for name in self.wanted}
        self._open = {name: keeper for name, keeper in keepers.items() if keeper is not None}
        self._timer: Timer = self.clock.callLater(self.limit_s, self._give_up)
        self._unobserve = self.fleet.observe(self._observe)

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
            self.write(described(transition))
            instead = ""
            if transition.after.target is not self.wanted[transition.instance_id]:
                instead = _instead(transition.event)
            self._judge(transition.instance_id, instead)
            self._finish_if_done()

    def _judge(self, name: str, instead: str = "") -> None:
        progress = outcome(self.wanted[name], self._open[name].life)
        if progress is not Outcome.PENDING:
            self._close(name, progress is Outcome.REACHED, instead)

    def _close(
        self, name: str, came_about: bool, instead: str = "", timed_out: bool = False
    ) -> None:
        keeper = self._open.pop(name)
        self.write(
            {
                "event": "result",
                "instance_id": name,
                "ok": came_about,
                "state": str(keeper.life.state),
                "reason": instead or keeper.life.reason or keeper.report.text,
                "took_s": round(self.clock.seconds() - self._begun_s, 3),
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
            self.on_end()


def _instead(event: Event) -> str:
    """Return another user's request that came meanwhile; empty if the state itself shows it."""
    match event:
        case DownRequested(by, "") if by:
            return f"put down meanwhile by {by}"
        case UpRequested(by) | RestartRequested(by) if by:
            return f"asked to run meanwhile by {by}"
        case _:
            return ""
