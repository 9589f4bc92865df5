"""Distinguishes incidents, many failures at once, from failures of single instances."""

from collections.abc import Callable
from dataclasses import dataclass

from ocsd.daemon.instances.ports import Clock, Timer
from ocsd.daemon.instances.transition import Transition
from ocsd.daemon.watching.chronicle import DAEMON, Chronicle
from ocsd.supervisor.events import CauseCleared, RestartRequested, State, UpRequested
from ocsd.supervisor.incident import WINDOW_S, Failures


@dataclass(eq=False)
class Incidents:
    """Counts the failures of a host's instances, and records incidents."""

    clock: Clock
    running: Callable[[], int]
    """Returns the number of instances that run."""
    chronicle: Chronicle
    on_begin: Callable[[tuple[str, ...]], None] = lambda _: None
    """Takes the names of those that have failed so far, when an incident begins."""

    def __post_init__(self) -> None:
        self._failures = Failures()
        self._over: Timer | None = None
        self._on_trial: set[str] = set()

    def transition(self, transition: Transition) -> None:
        """Remember the instances that were asked to run and have not been up since."""
        match transition.event:
            case UpRequested(by) | RestartRequested(by) | CauseCleared(by=by) if by:
                self._on_trial.add(transition.instance_id)
        if transition.after.state is State.UP:
            self._on_trial.discard(transition.instance_id)

    def failed(self, name: str) -> bool:
        """Count a failure of an instance that runs; return whether it is part of an incident.

        An instance that was asked to run and has not been up since is not: an operator who
        restarts several broken agents knows about them.
        """
        if name in self._on_trial:
            return False
        now_s = self.clock.seconds()
        went_on = self._failures.is_shared(now_s)
        fallen = sum(now_s - at_s <= WINDOW_S for at_s in self._failures.at_s.values())
        self._failures = self._failures.after(name, self.running() + fallen, now_s)
        shared = self._failures.is_shared(now_s)
        if shared and not went_on:
            names = self._failures.names
            self.chronicle.record(DAEMON, "IncidentBegan", f"{', '.join(names)} failed at once")
            self.on_begin(names)
        if shared:
            self._wait()
        return shared

    def _wait(self) -> None:
        if self._over is not None and self._over.active():
            self._over.cancel()
        self._over = self.clock.callLater(WINDOW_S + 0.001, self._end)

    def _end(self) -> None:
        names = self._failures.names
        self._failures = self._failures.over(self.clock.seconds())
        reason = f"{len(names)} instances failed: {', '.join(names)}"
        self.chronicle.record(DAEMON, "IncidentOver", reason)
