"""The life of one instance, as a pure state machine.

Events and the time go in, a new state and actions come out; there is no clock,
no process and no reactor in here. `TRANSITIONS` says which rule decides a
(state, event) pair, `LATE` which events can lose a race and change nothing;
every other pair is a defect of ours, raises and changes nothing.
"""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.supervisor.policy import (
    DEFAULT_BACKOFF,
    STOP_LADDER,
    Backoff,
    RestartPolicy,
    StopStep,
)


class State(StrEnum):
    """What an instance is doing, in the words that operators see."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"


class Target(StrEnum):
    """What the operator wants."""

    UP = "up"
    DOWN = "down"


class Health(StrEnum):
    """How well a running instance does."""

    OK = "ok"
    DEGRADED = "degraded"
    UNSTABLE = "unstable"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class UpRequested:
    """Somebody wants the instance to run."""


@dataclass(frozen=True, slots=True)
class DownRequested:
    """Somebody wants the instance to end."""


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """Somebody wants the instance to end and to run again."""


@dataclass(frozen=True, slots=True)
class BecameReady:
    """The instance joined the realm and its addresses are registered."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A process of this instance was found running by a new daemon."""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended, or could not be started at all.

    Attributes
    ----------
    code : int or None
        Exit code; None if a signal ended it or nobody could tell.
    signal : int or None
        The signal that ended it.
    detail : str
        What the process last said of itself, e.g. the last line of a traceback.
    """

    code: int | None = None
    signal: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The moment `Lifecycle.wake_at_s` has come."""


Event = UpRequested | DownRequested | RestartRequested | BecameReady | Adopted | Exited | TimerFired


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the instance's process."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to the instance's process group."""

    number: signal.Signals


Action = Spawn | Signal


class IllegalTransitionError(Exception):
    """An event arrived for which the table has no rule: a defect of ocsd."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where one instance stands.

    Attributes
    ----------
    state, target
        What it does and what it should do.
    reason : str
        Why it is in this state; empty where the state says it all.
    since_s : float
        When it entered the state [s, monotonic].
    wake_at_s : float or None
        When `TimerFired` is due [s, monotonic].
    failures : int
        Unexpected ends in a row.
    restarts : int
        Restarts that nobody asked for, since the daemon started.
    stop_step : int
        The rung of the stop ladder that was reached.
    last_end : str
        How its last unexpected end came about.
    """

    policy: RestartPolicy = RestartPolicy.ALWAYS
    backoff: Backoff = DEFAULT_BACKOFF
    ladder: tuple[StopStep, ...] = STOP_LADDER
    state: State = State.DOWN
    target: Target = Target.DOWN
    reason: str = ""
    since_s: float = 0.0
    wake_at_s: float | None = None
    failures: int = 0
    restarts: int = 0
    stop_step: int = 0
    last_end: str = ""

    @property
    def has_process(self) -> bool:
        """Whether a process of this instance lives or is being started."""
        return self.state in {State.STARTING, State.UP, State.STOPPING}

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen unless something else does."""
        return self.state in {State.FAILED, State.DOWN} or (
            self.state is State.UP and self.target is Target.UP
        )

    def is_steady(self, now_s: float) -> bool:
        """Whether it has been up for so long that its failures are forgotten."""
        up_s = now_s - self.since_s
        return self.state is State.UP and up_s >= self.backoff.forgotten_after_s

    def after(
        self, event: Event, now_s: float, jitter: float = 0.0
    ) -> tuple["Lifecycle", tuple[Action, ...]]:
        """Return the state that follows an event, and what is to be done.

        Parameters
        ----------
        event : Event
            What happened.
        now_s : float
            The time [s, monotonic].
        jitter : float
            A random number from -1 to 1; spreads restarts.

        Returns
        -------
        lifecycle : Lifecycle
            The new state.
        actions : tuple of Action
            What to do now, in this order.

        Raises
        ------
        IllegalTransitionError
            If the table has no rule for this event in this state.
        """
        if type(event) in LATE[self.state]:
            return self, ()
        try:
            rule = TRANSITIONS[self.state][type(event)]
        except KeyError:
            raise IllegalTransitionError(
                f"no rule for {type(event).__name__} while {self.state}"
            ) from None
        return rule(self, event, _Moment(now_s, jitter))


@dataclass(frozen=True, slots=True)
class _Moment:
    now_s: float
    jitter: float


_Rule = Callable[[Lifecycle, Event, _Moment], tuple[Lifecycle, tuple[Action, ...]]]


def _start(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    """Start because somebody asked: earlier failures are forgotten."""
    fresh = replace(life, target=Target.UP, failures=0)
    return _enter(fresh, State.STARTING, at), (Spawn(),)


def _want_up(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    return replace(life, target=Target.UP), ()


def _want_down(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    return replace(life, target=Target.DOWN), ()


def _rest(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    """Give up waiting for another try."""
    return _enter(replace(life, target=Target.DOWN, failures=0), State.DOWN, at), ()


def _stop(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    target = Target.UP if isinstance(event, RestartRequested) else Target.DOWN
    reason = "restart requested" if target is Target.UP else "stop requested"
    return _climb(_enter(replace(life, target=target), State.STOPPING, at, reason), 0, at)


def _escalate(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    """Take the next rung; the last one is repeated, for SIGKILL can be delayed but not refused."""
    return _climb(life, min(life.stop_step + 1, len(life.ladder) - 1), at)


def _climb(life: Lifecycle, step: int, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    rung = life.ladder[step]
    climbed = replace(life, stop_step=step, wake_at_s=at.now_s + rung.limit_s)
    if step > 0:
        asked_in_vain = life.ladder[step - 1].signal.name
        climbed = replace(
            climbed, reason=f"did not end on {asked_in_vain}; {rung.signal.name} sent"
        )
    return climbed, (Signal(rung.signal),)


def _ready(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    return _enter(life, State.UP, at), ()


def _adopt(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    """Take a running process over; it says within a second whether it is ready."""
    return _enter(replace(life, target=Target.UP), State.STARTING, at, "found running"), ()


def _ended_as_asked(
    life: Lifecycle, event: Event, at: _Moment
) -> tuple[Lifecycle, tuple[Action, ...]]:
    rung = life.ladder[life.stop_step].signal.name
    # The gentle way needs no mention; that force was needed does.
    how = "" if life.stop_step == 0 else f"ended by {rung}"
    rested = replace(life, failures=0)
    if life.target is Target.UP:
        reason = "restart requested" + (f"; it was {how}" if how else "")
        return _enter(rested, State.STARTING, at, reason), (Spawn(),)
    return _enter(rested, State.DOWN, at, how), ()


def _ended(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    if not isinstance(event, Exited):
        raise IllegalTransitionError(f"{type(event).__name__} does not end an instance")
    reason = end_reason(event)
    life = replace(life, last_end=reason)
    if event.code == PERMANENT_FAILURE_EXIT:
        return _enter(life, State.FAILED, at, event.detail or reason), ()
    wanted_again = life.policy is RestartPolicy.ALWAYS or (
        life.policy is RestartPolicy.ON_FAILURE and event.code != 0
    )
    if not wanted_again:
        # A job that is done is as it should be; one that failed is not.
        target = Target.DOWN if event.code == 0 else life.target
        resting = replace(life, target=target)
        return _enter(resting, State.DOWN, at, f"{reason}; restart is {life.policy}"), ()
    forgotten = life.state is State.UP and at.now_s - life.since_s >= life.backoff.forgotten_after_s
    failures = 1 if forgotten else life.failures + 1
    counted = replace(life, failures=failures)
    delay_s = life.backoff.delay_s(failures, at.jitter)
    if delay_s == 0:
        again = replace(counted, restarts=life.restarts + 1)
        return _enter(again, State.STARTING, at, reason), (Spawn(),)
    waiting = _enter(counted, State.BACKOFF, at, reason)
    return replace(waiting, wake_at_s=at.now_s + delay_s), ()


def _try_again(life: Lifecycle, event: Event, at: _Moment) -> tuple[Lifecycle, tuple[Action, ...]]:
    again = replace(life, restarts=life.restarts + 1)
    return _enter(again, State.STARTING, at, life.reason), (Spawn(),)


def _enter(life: Lifecycle, state: State, at: _Moment, reason: str = "") -> Lifecycle:
    return replace(life, state=state, since_s=at.now_s, reason=reason, wake_at_s=None, stop_step=0)


def end_reason(event: Exited) -> str:
    """Return the words for how a process ended."""
    if event.signal is not None:
        try:
            name = signal.Signals(event.signal).name
        except ValueError:
            name = f"signal {event.signal}"
        how = f"killed by {name}"
    elif event.code is not None:
        how = f"ended with exit code {event.code}"
    else:
        how = "ended, nobody knows how"
    return f"{how}: {event.detail}" if event.detail else how


TRANSITIONS: Final[Mapping[State, Mapping[type[Event], _Rule]]] = {
    State.DOWN: {
        UpRequested: _start,
        RestartRequested: _start,
        DownRequested: _want_down,
        Adopted: _adopt,
    },
    State.STARTING: {
        BecameReady: _ready,
        Exited: _ended,
        UpRequested: _want_up,
        DownRequested: _stop,
        RestartRequested: _stop,
    },
    State.UP: {
        Exited: _ended,
        UpRequested: _want_up,
        DownRequested: _stop,
        RestartRequested: _stop,
    },
    State.STOPPING: {
        Exited: _ended_as_asked,
        TimerFired: _escalate,
        UpRequested: _want_up,
        RestartRequested: _want_up,
        DownRequested: _want_down,
    },
    State.BACKOFF: {
        TimerFired: _try_again,
        UpRequested: _start,
        RestartRequested: _start,
        DownRequested: _rest,
    },
    State.FAILED: {
        UpRequested: _start,
        RestartRequested: _start,
        DownRequested: _rest,
    },
}

LATE: Final[Mapping[State, frozenset[type[Event]]]] = {
    # A timer may fire in the same turn of the reactor in which its reason ends,
    # and an instance may say that it is ready just as it is asked to end, or just
    # before the news of its end arrives.
    State.DOWN: frozenset({BecameReady, TimerFired}),
    State.STARTING: frozenset({TimerFired}),
    State.UP: frozenset({BecameReady, TimerFired}),
    State.STOPPING: frozenset({BecameReady}),
    State.BACKOFF: frozenset({BecameReady}),
    State.FAILED: frozenset({BecameReady, TimerFired}),
}
