"""The life of one instance, as a pure state machine.

Events and the time go in; a new state and a list of actions come out. There is no clock, no
process and no reactor in here, so the daemon and the tests drive the same code.

State and target
----------------
The *state* is what is true now: `down`, `starting`, `up`, `stopping`, `backoff` or `failed`. The
*target*, `up` or `down`, is what the operator wants. They differ while an instance is on its way,
and for as long as it cannot get there. A request changes the target at once; the state follows when
the process does. In `starting`, `up` and `stopping` a process lives or has been asked for, in the
other three none does. Hence a process is spawned only when a state without one is left, or when
`Exited` has come: a second copy never runs beside the first.

Events and actions
------------------
An event is a fact that has happened, in the past tense: `Exited`, `DownRequested`, `TimerFired`. An
action is an order that the keeper carries out, in the imperative: `Spawn`, `Signal`, `Examine`. An
action never reports success. Its result, if it has one, comes back later as an event.

A keeper delivers one event at a time and assigns the `Lifecycle` that comes out. Nothing else
changes it: another restart policy (`Configured`), the memory of an earlier daemon (`Recalled`) and
an end that no daemon saw (`EndedUnseen`) are events like all others.

Late events
-----------
Processes, timers and people do not wait for each other. An agent gets ready just as it is being
stopped; a timer fires in the moment in which it is cancelled. `TRANSITIONS` therefore has an answer
for every pair of state and event:

- a `Rule`: a decision, and the states that it may lead to (none if the state stays);
- `Ignored`, with the reason: the event lost a race or has no meaning here;
- `Impossible`: a defect of ocsd. It raises `IllegalTransitionError` and changes nothing.

Interrupted transitions
-----------------------
A stop cannot be taken back, because the agent may have closed its device already. A request that
arrives in `stopping` only changes the target, and the last request wins: when the process has
ended, the instance rests or starts again. A restart is a stop with the target `up`. A start that is
interrupted is a stop, too: the process may exist although its pid is not known yet.

An end that was asked for is not held against the instance, and neither are the failures before it.
A hung instance that is being killed (`Ending.trouble`) has failed, whatever signal ends it, unless
the operator puts it down meanwhile.

The ladder of a stop
--------------------
A process is asked ever more firmly: SIGINT, then SIGTERM, then SIGKILL, each with a limit (`policy`
has the ladders). The last rung is repeated, because SIGKILL may be delayed but not refused. A hung
process cannot do what it is asked: it is examined, then writes its stacks (SIGQUIT), then is
killed. The limit of a rung counts from the delivery of its signal. While the fork server does not
answer, `TimerFired` comes with `reached=False`: the instance waits on its rung, and has the whole
limit once the signal has reached it.

The restart budget
------------------
An end that was not asked for is answered by the policy of the entry. If another start follows, the
first three in a row happen at once. Each later one waits twice as long as the one before, at most a
minute. After a minute up the count begins again, and when a person has changed the entry.
ocsd never gives up on a crash, because devices come back. Two kinds of end do not count. Many
instances that fail at the same time have one cause, for which each of them only waits a few seconds
(`Exited.shared`). Exit code 125 says that trying again is of no use: the instance is `failed` until
its cause is gone (`CauseCleared`) or the operator asks.

Below stand the state, then the table, then the decisions, in the order of a life. The diagram in
docs/run/supervision.md is made from the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from ocsd.errors import PERMANENT_FAILURE_EXIT
from ocsd.supervisor import events
from ocsd.supervisor.answers import Answer, Ignored, Impossible, Moment, Rule
from ocsd.supervisor.events import Action, Event, Examine, Signal, Spawn, State, Target, end_reason
from ocsd.supervisor.policy import (
    DEFAULT_BACKOFF,
    HUNG_LADDER,
    SIGNAL_RETRY_S,
    Backoff,
    Ending,
    RestartPolicy,
)

FOUND: Final = "found running"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The state of one instance, and all that later decisions need."""

    policy: RestartPolicy = RestartPolicy.ALWAYS
    backoff: Backoff = DEFAULT_BACKOFF
    state: State = State.DOWN
    target: Target = Target.DOWN
    """The present state and the wanted one."""
    reason: str = ""
    """Why it is in this state; empty where the state says it all."""
    since_s: float = 0.0
    """When it entered the state [s, monotonic]."""
    up_since_s: float | None = None
    """When its present process got ready [s, monotonic]; None if it has not."""
    wake_at_s: float | None = None
    """When `TimerFired` is due [s, monotonic]."""
    failures: int = 0
    """Unexpected ends in a row."""
    restarts: int = 0
    """Automatic restarts since the daemon started."""
    ending: Ending = field(default_factory=Ending)
    """The way in which its process is, or was last, made to end."""
    last_end: str = ""
    """Its last unexpected end, in words; empty once a person has asked for another."""

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
        """Whether it has been up long enough for its failures to be forgotten."""
        return self.up_since_s is not None and (
            now_s - self.up_since_s >= self.backoff.forgotten_after_s
        )

    def after(
        self, event: Event, now_s: float, jitter: float = 0.0
    ) -> tuple["Lifecycle", tuple[Action, ...]]:
        """Return the state that follows an event, and the orders to carry out now, in order.

        Parameters
        ----------
        event : Event
            The fact that has happened.
        now_s : float
            The time [s, monotonic].
        jitter : float
            A random number from -1 to 1; spreads restarts.

        Raises
        ------
        IllegalTransitionError
            If the event cannot occur in this state.
        """
        match TRANSITIONS[self.state][type(event)]:
            case Rule(decide):
                decided: _Decided = decide(self, event, Moment(now_s, jitter))
                return decided
            case Ignored():
                return self, ()
            case Impossible(why):
                raise events.IllegalTransitionError(
                    f"{type(event).__name__} while {self.state}: {why}"
                )
            case other:
                assert_never(other)


_Decided = tuple[Lifecycle, tuple[Action, ...]]


def _asked(event: events.Request) -> tuple[Target, str]:
    if isinstance(event, events.DownRequested):
        return Target.DOWN, event.why or "stop requested"
    return Target.UP, "restart requested"


def _want(life: Lifecycle, event: events.Request, at: Moment) -> _Decided:
    return replace(life, target=_asked(event)[0]), ()


def _redirect(life: Lifecycle, event: events.Request, at: Moment) -> _Decided:
    """Change the target of what is being ended: the last request wins."""
    target, words = _asked(event)
    if target is life.target:
        return life, ()
    reason = "; ".join(filter(None, (life.ending.trouble, words)))
    return replace(life, target=target, reason=reason), ()


def _start(life: Lifecycle, event: Event, at: Moment) -> _Decided:
    """Start on request: earlier failures are forgotten."""
    fresh = replace(life, target=Target.UP, failures=0, last_end="")
    return _enter(fresh, State.STARTING, at), (Spawn(),)


def _adopt(life: Lifecycle, event: Event, at: Moment) -> _Decided:
    """Take a running process over; it reports within three seconds whether it is ready."""
    return _enter(replace(life, target=Target.UP), State.STARTING, at, FOUND), ()


def _find(life: Lifecycle, event: Event, at: Moment) -> _Decided:
    """Say that what is being started was found running: a container that was looked at late."""
    return replace(life, reason=FOUND), ()


def _become_ready(life: Lifecycle, event: Event, at: Moment) -> _Decided:
    return replace(_enter(life, State.UP, at), up_since_s=at.now_s), ()


def _rest(life: Lifecycle, event: events.DownRequested, at: Moment) -> _Decided:
    """Give up waiting for another try."""
    return _enter(replace(life, target=Target.DOWN, failures=0), State.DOWN, at, event.why), ()


def _stop(
    life: Lifecycle, event: events.DownRequested | events.RestartRequested, at: Moment
) -> _Decided:
    target, reason = _asked(event)
    asked = _enter(replace(life, target=target), State.STOPPING, at, reason)
    return _take_rung(asked, Ending(), at)


def _condemn(life: Lifecycle, event: events.BecameHung, at: Moment) -> _Decided:
    """End a hung instance by force, once it has been examined."""
    condemned = _enter(life, State.STOPPING, at, event.reason)
    condemned, signals = _take_rung(condemned, Ending(HUNG_LADDER, trouble=event.reason), at)
    return condemned, (Examine(event.reason), *signals)


def _escalate(life: Lifecycle, event: events.TimerFired, at: Moment) -> _Decided:
    ending = life.ending
    if event.reached and ending.reached:
        return _take_rung(life, ending.next(), at)
    limit_s = ending.rung.limit_s if event.reached else SIGNAL_RETRY_S
    waiting = replace(ending, reached=event.reached)
    return replace(life, ending=waiting, wake_at_s=at.now_s + limit_s), ()


def _take_rung(life: Lifecycle, ending: Ending, at: Moment) -> _Decided:
    climbed = replace(life, ending=ending, wake_at_s=at.now_s + ending.rung.limit_s)
    if ending.step > 0 and not ending.trouble:
        before = ending.ladder[ending.step - 1].signal.name
        words = f"did not end on {before}; {ending.rung.signal.name} sent"
        climbed = replace(climbed, reason=words)
    return climbed, (Signal(ending.rung.signal),)


def _ended_as_asked(life: Lifecycle, event: events.Exited, at: Moment) -> _Decided:
    trouble, how = life.ending.trouble, life.ending.force
    if life.target is Target.DOWN:
        rested = replace(life, failures=0, last_end=trouble)
        return _enter(rested, State.DOWN, at, trouble or how), ()
    if trouble:
        return _failed(life, trouble, at, event.shared)
    reason = "; it was ".join(filter(None, ("restart requested", how)))
    asked = replace(life, failures=0, last_end="")
    return _enter(asked, State.STARTING, at, reason), (Spawn(),)


def _ended(life: Lifecycle, event: events.Exited, at: Moment) -> _Decided:
    reason = end_reason(event)
    if event.code == PERMANENT_FAILURE_EXIT:
        return _enter(replace(life, last_end=reason), State.FAILED, at, event.detail or reason), ()
    if event.code == 0 and life.policy is not RestartPolicy.ALWAYS:
        # A job that is done is as it should be.
        done = replace(life, target=Target.DOWN, last_end=reason)
        return _enter(done, State.DOWN, at, f"{reason}; restart is {life.policy}"), ()
    return _failed(life, reason, at, event.shared)


def _failed(life: Lifecycle, reason: str, at: Moment, shared: bool) -> _Decided:
    """Decide when an instance that ended unexpectedly is tried again."""
    life = replace(life, last_end=reason)
    if life.policy is RestartPolicy.NEVER:
        return _enter(life, State.DOWN, at, f"{reason}; restart is {life.policy}"), ()
    counted = replace(life, failures=0) if life.is_steady(at.now_s) else life
    if shared:
        delay_s = life.backoff.spread_delay_s(at.jitter)
    else:
        counted = replace(counted, failures=counted.failures + 1)
        delay_s = life.backoff.delay_s(counted.failures, at.jitter)
    if delay_s == 0:
        again = replace(counted, restarts=life.restarts + 1)
        return _enter(again, State.STARTING, at, reason), (Spawn(),)
    waiting = _enter(counted, State.BACKOFF, at, reason)
    return replace(waiting, wake_at_s=at.now_s + delay_s), ()


def _retry(life: Lifecycle, event: events.TimerFired | events.CauseCleared, at: Moment) -> _Decided:
    cleared = event if isinstance(event, events.CauseCleared) else events.CauseCleared()
    again = replace(life, restarts=life.restarts + (not cleared.by))
    if cleared.by:
        # What ended was run by another entry: as on request, that is forgotten.
        again = replace(again, failures=0, last_end="")
    reason = "; tried again, for ".join(filter(None, (life.reason, cleared.evidence)))
    return _enter(again, State.STARTING, at, reason), (Spawn(),)


def _configure(life: Lifecycle, event: events.Configured, at: Moment) -> _Decided:
    return replace(life, policy=event.policy), ()


def _recall(life: Lifecycle, event: events.Recalled, at: Moment) -> _Decided:
    return replace(life, target=event.target, reason=event.reason), ()


def _ended_unseen(life: Lifecycle, event: events.EndedUnseen, at: Moment) -> _Decided:
    """Rest if the end was the last one; if not, the launch of the host starts the instance."""
    ended, _ = _ended(replace(life, target=Target.UP), event.end, at)
    if ended.state is not State.DOWN:
        return life, ()
    return replace(ended, reason=f"while no daemon ran: {ended.reason}"), ()


def _enter(life: Lifecycle, state: State, at: Moment, reason: str = "") -> Lifecycle:
    entered = replace(life, state=state, since_s=at.now_s, reason=reason, wake_at_s=None)
    if state is State.STOPPING:
        return entered
    return replace(entered, up_since_s=None)


# A rule names the states that its decision chooses from; none if the state stays.
_START = Rule(_start, (State.STARTING,))
_ADOPT = Rule(_adopt, (State.STARTING,))
_FIND = Rule(_find)
_RETRY = Rule(_retry, (State.STARTING,))
_READY = Rule(_become_ready, (State.UP,))
_STOP = Rule(_stop, (State.STOPPING,))
_CONDEMN = Rule(_condemn, (State.STOPPING,))
_REST = Rule(_rest, (State.DOWN,))
_ENDED = Rule(_ended, (State.DOWN, State.STARTING, State.BACKOFF, State.FAILED))
_AS_ASKED = Rule(_ended_as_asked, (State.DOWN, State.STARTING, State.BACKOFF))
_WANT, _REDIRECT, _ESCALATE = Rule(_want), Rule(_redirect), Rule(_escalate)
_CONFIGURE, _RECALL, _UNSEEN = Rule(_configure), Rule(_recall), Rule(_ended_unseen)
_LATE = Ignored("it lost a race")
_KNOWN = Ignored("its process is known already")
_IDLE = Ignored("it does not run")
_ENDING = Ignored("it is being ended already")
_CALM = Ignored("it does not wait for anything")
_NEWER = Ignored("its last end is known already")
_NONE = Impossible("it has no process that could end")
_BEGUN = Impossible("its life under this daemon has begun")

# fmt: off
_TABLE: Final[Mapping[type[Event], tuple[Answer, ...]]] = {
    #                        down     starting  up        stopping   backoff  failed
    events.UpRequested:      (_START, _WANT,    _WANT,    _REDIRECT, _START,  _START),
    events.DownRequested:    (_WANT,  _STOP,    _STOP,    _REDIRECT, _REST,   _REST),
    events.RestartRequested: (_START, _STOP,    _STOP,    _REDIRECT, _START,  _START),
    events.BecameReady:      (_LATE,  _READY,   _LATE,    _LATE,     _LATE,   _LATE),
    events.Adopted:          (_ADOPT, _FIND,    _KNOWN,   _KNOWN,    _ADOPT,  _ADOPT),
    events.BecameHung:       (_IDLE,  _CONDEMN, _CONDEMN, _ENDING,   _IDLE,   _IDLE),
    events.CauseCleared:     (_CALM,  _CALM,    _CALM,    _CALM,     _RETRY,  _RETRY),
    events.Exited:           (_NONE,  _ENDED,   _ENDED,   _AS_ASKED, _NONE,   _NONE),
    events.TimerFired:       (_LATE,  _LATE,    _LATE,    _ESCALATE, _RETRY,  _LATE),
    events.Configured:       (_CONFIGURE,) * len(State),
    events.Recalled:         (_RECALL, _BEGUN,  _BEGUN,   _BEGUN,    _BEGUN,  _BEGUN),
    events.EndedUnseen:      (_UNSEEN, _KNOWN,  _KNOWN,   _KNOWN,    _NEWER,  _NEWER),
}
# fmt: on

TRANSITIONS: Final[Mapping[State, Mapping[type[Event], Answer]]] = {
    state: dict(zip(_TABLE, answers, strict=True))
    for state, answers in zip(State, zip(*_TABLE.values(), strict=True), strict=True)
}
