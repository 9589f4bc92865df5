"""The life of one instance, as a pure state machine.

Events and the time go in, a new state and actions come out; there is no clock,
no process and no reactor in here. `TRANSITIONS` has an answer for every pair of
state and event: a rule, with the states that it may lead to; `Ignored`, where an
event can lose a race; or `Impossible`, which is a defect of ours, raises and
changes nothing. The diagram in docs/supervision.md is made from the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.supervisor.events import (
    Action,
    Adopted,
    BecameHung,
    BecameReady,
    CauseCleared,
    DownRequested,
    Event,
    Examine,
    Exited,
    IllegalTransitionError,
    RestartRequested,
    Signal,
    Spawn,
    State,
    Target,
    TimerFired,
    UpRequested,
    end_reason,
)
from ocsd.supervisor.policy import (
    DEFAULT_BACKOFF,
    HUNG_LADDER,
    STOP_LADDER,
    Backoff,
    RestartPolicy,
    StopStep,
)


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
    up_since_s : float or None
        When its present process got ready [s, monotonic]; None if it has not.
    wake_at_s : float or None
        When `TimerFired` is due [s, monotonic].
    failures : int
        Unexpected ends in a row.
    restarts : int
        Restarts that nobody asked for, since the daemon started.
    ladder : tuple of StopStep
        How it is, or was last, made to end.
    stop_step : int
        The rung of the ladder that was reached.
    trouble : str
        Why it is being ended although it is wanted; empty if it was asked to end.
    last_end : str
        How its last unexpected end came about; empty once somebody has asked for another.
    """

    policy: RestartPolicy = RestartPolicy.ALWAYS
    backoff: Backoff = DEFAULT_BACKOFF
    state: State = State.DOWN
    target: Target = Target.DOWN
    reason: str = ""
    since_s: float = 0.0
    up_since_s: float | None = None
    wake_at_s: float | None = None
    failures: int = 0
    restarts: int = 0
    ladder: tuple[StopStep, ...] = STOP_LADDER
    stop_step: int = 0
    trouble: str = ""
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
        return self.up_since_s is not None and (
            now_s - self.up_since_s >= self.backoff.forgotten_after_s
        )

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
            If the event cannot occur in this state.
        """
        match TRANSITIONS[self.state][type(event)]:
            case Rule(decide):
                return decide(self, event, _Moment(now_s, jitter))
            case Ignored():
                return self, ()
            case Impossible(why):
                raise IllegalTransitionError(f"{type(event).__name__} while {self.state}: {why}")
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class _Moment:
    now_s: float
    jitter: float


_Decided = tuple[Lifecycle, tuple[Action, ...]]
# A decision takes the events that TRANSITIONS gives it, and no other.
_Decision = Callable[[Lifecycle, Any, _Moment], _Decided]
_Request = UpRequested | DownRequested | RestartRequested


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows an event.

    Attributes
    ----------
    decide : callable
        Returns the new state and the actions.
    leads_to : frozenset of State
        Every state that it may lead to.
    """

    decide: _Decision
    leads_to: frozenset[State]


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event changes nothing, because it can come late or has no meaning here."""

    why: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """The event cannot occur in this state."""

    why: str


def _start(life: Lifecycle, event: Event, at: _Moment) -> _Decided:
    """Start because somebody asked: earlier failures are forgotten."""
    fresh = replace(life, target=Target.UP, failures=0, last_end="")
    return _enter(fresh, State.STARTING, at), (Spawn(),)


def _want(life: Lifecycle, event: _Request, at: _Moment) -> _Decided:
    return replace(life, target=_asked(event)[0]), ()


def _want_instead(life: Lifecycle, event: _Request, at: _Moment) -> _Decided:
    """Have what is being ended go where the last request says."""
    target, words = _asked(event)
    if target is life.target:
        return life, ()
    reason = f"{life.trouble}; {words}" if life.trouble else words
    return replace(life, target=target, reason=reason), ()


def _asked(event: _Request) -> tuple[Target, str]:
    if isinstance(event, DownRequested):
        return Target.DOWN, event.why or "stop requested"
    return Target.UP, "restart requested"


def _rest(life: Lifecycle, event: DownRequested, at: _Moment) -> _Decided:
    """Give up waiting for another try."""
    return _enter(replace(life, target=Target.DOWN, failures=0), State.DOWN, at, event.why), ()


def _stop(life: Lifecycle, event: DownRequested | RestartRequested, at: _Moment) -> _Decided:
    target, reason = _asked(event)
    asked = replace(life, target=target, ladder=STOP_LADDER)
    return _climb(_enter(asked, State.STOPPING, at, reason), 0, at)


def _condemn(life: Lifecycle, event: BecameHung, at: _Moment) -> _Decided:
    """End a hung instance by force, once it has been examined."""
    condemned = replace(_enter(life, State.STOPPING, at, event.reason), ladder=HUNG_LADDER)
    condemned, actions = _climb(replace(condemned, trouble=event.reason), 0, at)
    return condemned, (Examine(event.reason), *actions)


def _escalate(life: Lifecycle, event: Event, at: _Moment) -> _Decided:
    """Take the next rung; the last one is repeated, for SIGKILL can be delayed but not refused."""
    return _climb(life, min(life.stop_step + 1, len(life.ladder) - 1), at)


def _climb(life: Lifecycle, step: int, at: _Moment) -> _Decided:
    rung = life.ladder[step]
    climbed = replace(life, stop_step=step, wake_at_s=at.now_s + rung.limit_s)
    if step > 0 and not life.trouble:
        asked_in_vain = life.ladder[step - 1].signal.name
        climbed = replace(
            climbed, reason=f"did not end on {asked_in_vain}; {rung.signal.name} sent"
        )
    return climbed, (Signal(rung.signal),)


def _ready(life: Lifecycle, event: Event, at: _Moment) -> _Decided:
    return replace(_enter(life, State.UP, at), up_since_s=at.now_s), ()


def _adopt(life: Lifecycle, event: Event, at: _Moment) -> _Decided:
    """Take a running process over; it says within a second whether it is ready."""
    return _enter(replace(life, target=Target.UP), State.STARTING, at, "found running"), ()


def _ended_as_asked(life: Lifecycle, event: Exited, at: _Moment) -> _Decided:
    rung = life.ladder[life.stop_step].signal.name
    # The gentle way needs no mention; that force was needed does.
    how = "" if life.stop_step == 0 else f"ended by {rung}"
    if life.target is Target.DOWN:
        rested = replace(life, failures=0, last_end=life.trouble)
        return _enter(rested, State.DOWN, at, life.trouble or how), ()
    if life.trouble:
        return _failed(life, life.trouble, at, event.shared)
    reason = "restart requested" + (f"; it was {how}" if how else "")
    asked = replace(life, failures=0, last_end="")
    return _enter(asked, State.STARTING, at, reason), (Spawn(),)


def _ended(life: Lifecycle, event: Exited, at: _Moment) -> _Decided:
    reason = end_reason(event)
    if event.code == PERMANENT_FAILURE_EXIT:
        return _enter(replace(life, last_end=reason), State.FAILED, at, event.detail or reason), ()
    if event.code == 0 and life.policy is not RestartPolicy.ALWAYS:
        # A job that is done is as it should be.
        done = replace(life, target=Target.DOWN, last_end=reason)
        return _enter(done, State.DOWN, at, f"{reason}; restart is {life.policy}"), ()
    return _failed(life, reason, at, event.shared)


def _failed(life: Lifecycle, reason: str, at: _Moment, shared: bool) -> _Decided:
    """Decide when an instance that ended unexpectedly is tried again."""
    life = replace(life, last_end=reason)
    if life.policy is RestartPolicy.NEVER:
        return _enter(life, State.DOWN, at, f"{reason}; restart is {life.policy}"), ()
    before = 0 if life.is_steady(at.now_s) else life.failures
    counted = replace(life, failures=before if shared else before + 1)
    if shared:
        delay_s = life.backoff.spread_delay_s(at.jitter)
    else:
        delay_s = life.backoff.delay_s(counted.failures, at.jitter)
    if delay_s == 0:
        again = replace(counted, restarts=life.restarts + 1)
        return _enter(again, State.STARTING, at, reason), (Spawn(),)
    waiting = _enter(counted, State.BACKOFF, at, reason)
    return replace(waiting, wake_at_s=at.now_s + delay_s), ()


def _try_again(life: Lifecycle, event: Event, at: _Moment) -> _Decided:
    is_asked, evidence = False, ""
    if isinstance(event, CauseCleared):
        is_asked, evidence = bool(event.by), event.evidence
    again = replace(life, restarts=life.restarts + (not is_asked))
    reason = f"{life.reason}; tried again, for {evidence}" if evidence else life.reason
    return _enter(again, State.STARTING, at, reason), (Spawn(),)


def _enter(life: Lifecycle, state: State, at: _Moment, reason: str = "") -> Lifecycle:
    return replace(
        life,
        state=state,
        since_s=at.now_s,
        reason=reason,
        wake_at_s=None,
        up_since_s=life.up_since_s if state is State.STOPPING else None,
        trouble="",
    )


def _to(decide: _Decision, *states: State) -> Rule:
    return Rule(decide, frozenset(states))


_AFTER_AN_END = (State.STARTING, State.BACKOFF, State.FAILED, State.DOWN)
_LATE = Ignored("it lost a race")
_KNOWN = Ignored("its process is known already")
_RUNS_NOT = Ignored("it does not run")
_WAITS_NOT = Ignored("it does not wait for anything")
_NO_PROCESS = Impossible("it has no process that could end")

TRANSITIONS: Final[Mapping[State, Mapping[type[Event], Rule | Ignored | Impossible]]] = {
    State.DOWN: {
        UpRequested: _to(_start, State.STARTING),
        DownRequested: _to(_want, State.DOWN),
        RestartRequested: _to(_start, State.STARTING),
        BecameReady: _LATE,
        Adopted: _to(_adopt, State.STARTING),
        BecameHung: _RUNS_NOT,
        CauseCleared: _WAITS_NOT,
        Exited: _NO_PROCESS,
        TimerFired: _LATE,
    },
    State.STARTING: {
        UpRequested: _to(_want, State.STARTING),
        DownRequested: _to(_stop, State.STOPPING),
        RestartRequested: _to(_stop, State.STOPPING),
        BecameReady: _to(_ready, State.UP),
        Adopted: _KNOWN,
        BecameHung: _to(_condemn, State.STOPPING),
        CauseCleared: _WAITS_NOT,
        Exited: _to(_ended, *_AFTER_AN_END),
        TimerFired: _LATE,
    },
    State.UP: {
        UpRequested: _to(_want, State.UP),
        DownRequested: _to(_stop, State.STOPPING),
        RestartRequested: _to(_stop, State.STOPPING),
        BecameReady: _LATE,
        Adopted: _KNOWN,
        BecameHung: _to(_condemn, State.STOPPING),
        CauseCleared: _WAITS_NOT,
        Exited: _to(_ended, *_AFTER_AN_END),
        TimerFired: _LATE,
    },
    State.STOPPING: {
        UpRequested: _to(_want_instead, State.STOPPING),
        DownRequested: _to(_want_instead, State.STOPPING),
        RestartRequested: _to(_want_instead, State.STOPPING),
        BecameReady: _LATE,
        Adopted: _KNOWN,
        BecameHung: Ignored("it is being ended already"),
        CauseCleared: _WAITS_NOT,
        Exited: _to(_ended_as_asked, State.STARTING, State.BACKOFF, State.DOWN),
        TimerFired: _to(_escalate, State.STOPPING),
    },
    State.BACKOFF: {
        UpRequested: _to(_start, State.STARTING),
        DownRequested: _to(_rest, State.DOWN),
        RestartRequested: _to(_start, State.STARTING),
        BecameReady: _LATE,
        Adopted: _to(_adopt, State.STARTING),
        BecameHung: _RUNS_NOT,
        CauseCleared: _to(_try_again, State.STARTING),
        Exited: _NO_PROCESS,
        TimerFired: _to(_try_again, State.STARTING),
    },
    State.FAILED: {
        UpRequested: _to(_start, State.STARTING),
        DownRequested: _to(_rest, State.DOWN),
        RestartRequested: _to(_start, State.STARTING),
        BecameReady: _LATE,
        Adopted: _to(_adopt, State.STARTING),
        BecameHung: _RUNS_NOT,
        CauseCleared: _to(_try_again, State.STARTING),
        Exited: _NO_PROCESS,
        TimerFired: _LATE,
    },
}
