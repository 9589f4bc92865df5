"""The life of a connection to the router, as a pure state machine.

Events and the time go in, a new state and actions come out; `ocsd.bus.connector` carries the
actions out. `LINK_TRANSITIONS` has the next phase and the actions for each event that leads on.
`LATE` lists the events that can lose a race and change nothing: an answer over a transport
that has closed since, or a timer that fired just as it was cancelled. Any other pair is a
defect of ours; it raises and changes nothing.

An agent rejoins: it tries again after a loss and after a refusal, for ever. A client does
not: a loss takes it back to the beginning, and a refusal ends it, because its user waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Final, NamedTuple


class Phase(StrEnum):
    """The phases of a connection."""

    IDLE = auto()  # No connection is wanted yet, or a client has lost its own.
    CONNECTING = auto()  # A transport is being opened.
    JOINING = auto()  # The realm is being joined and the addresses are being registered.
    REGISTERED = auto()  # An agent makes its subscriptions.
    JOINED = auto()  # The connection is in use.
    DROPPING = auto()  # The transport is being closed: the router refused or was too slow.
    WAITING = auto()  # The next attempt has its time.
    ENDED = auto()  # No connection is wanted any more, or there was none in time.


class LinkEvent(StrEnum):
    """The events in the life of a connection."""

    WANTED = auto()  # A user wants to be joined.
    OPENED = auto()  # The transport is open.
    NOT_OPENED = auto()  # The transport could not be opened.
    REGISTERED = auto()  # The router has registered the agent's addresses.
    JOINED = auto()  # The connection can be used.
    REFUSED = auto()  # The router does not let this process be as it is configured.
    HELD = auto()  # A process that answers nothing holds the agent's address.
    TOO_SLOW = auto()  # The time for joining is over.
    CLOSED = auto()  # The transport has closed.
    WAITED = auto()  # The next attempt is due.
    TIME_OVER = auto()  # The user of a client has waited as long as is allowed.
    UNWANTED = auto()  # No connection is wanted any more.


class LinkAction(StrEnum):
    """The actions that an event asks for: names of methods of `RouterConnector`."""

    REPORT = auto()  # Say that `joined` or `reason` has changed.
    CANCEL = auto()  # End the timer and the attempt to open a transport, if there are any.
    OPEN = auto()  # Begin to open a transport.
    LIMIT_JOINING = auto()  # Fire TOO_SLOW after the time that joining may take.
    DROP = auto()  # Close the transport without ceremony, if there is one.
    WAIT = auto()  # Fire WAITED when the next attempt is due.
    REPORT_LOSS = auto()  # Say that a client's connection is gone.
    GIVE_UP = auto()  # Say that there will be no connection.


class ImpossibleLinkEventError(RuntimeError):
    """An event came in a phase of the connection in which it cannot occur: a defect of ocsd."""


@dataclass(frozen=True, slots=True)
class Reconnection:
    """The state of a process's connection to the router."""

    rejoins: bool
    """Whether losses and refusals are followed by another attempt."""
    give_up_s: float = 0.0
    """Time without a connection after which a failure is the last one [s]; 0 for never."""
    force: bool = False
    """Whether to take the addresses from the process that holds them."""
    phase: Phase = Phase.IDLE
    """The present phase."""
    reason: str = ""
    """Cause of there being no connection; empty if there is one."""
    failures: int = 0
    """Attempts that have failed in a row."""
    away_since_s: float = 0.0
    """Time at which the connection was last there, or first wanted [s, monotonic]."""
    was_registered: bool = False
    """Whether this process has had the addresses registered before."""

    @property
    def joined(self) -> bool:
        """Whether the connection is in use."""
        return self.phase is Phase.JOINED

    def after(
        self, event: LinkEvent, now_s: float, reason: str = ""
    ) -> tuple["Reconnection", tuple[LinkAction, ...]]:
        """Return the state that follows an event, and the actions to carry out in this order.

        Parameters
        ----------
        event : LinkEvent
            The event.
        now_s : float
            The time [s, monotonic].
        reason : str
            Cause of a failure, a loss or a refusal; by default the last one.

        Raises
        ------
        ImpossibleLinkEventError
            If the event cannot occur in this phase.
        """
        if event in LATE[self.phase]:
            return self, ()
        rule = LINK_TRANSITIONS[self.phase].get(event)
        if rule is None:
            raise ImpossibleLinkEventError(f"{event} while {self.phase}")
        before = self
        if self.phase in {Phase.JOINED, Phase.IDLE}:
            before = replace(self, away_since_s=now_s)
        phase, actions = rule.choose(before, now_s)
        state = before._enter(phase, event, reason or self.reason)  # noqa: SLF001 - of this class
        changed = (state.joined, state.reason) != (self.joined, self.reason)
        if changed and event is not LinkEvent.UNWANTED:
            return state, (LinkAction.REPORT, *actions)
        return state, actions

    def _enter(self, phase: Phase, event: LinkEvent, reason: str) -> "Reconnection":
        if self.phase is Phase.DROPPING:
            # The end of a refused transport has nothing to add to the refusal.
            reason = self.reason
        state = replace(self, phase=phase, reason=reason)
        match phase:
            case Phase.WAITING:
                return replace(state, failures=self.failures + 1)
            case Phase.REGISTERED:
                return replace(state, failures=0, was_registered=True)
            case Phase.JOINED:
                return replace(state, failures=0, reason="")
            case Phase.DROPPING if event is LinkEvent.HELD and self.was_registered:
                # By our own registration, over a connection that the router believes alive.
                return replace(state, force=True)
        return state


class Step(NamedTuple):
    """The phase that follows an event, and the actions on the way."""

    phase: Phase
    actions: tuple[LinkAction, ...]

    def choose(self, state: Reconnection, now_s: float) -> "Step":
        """Return this step."""
        return self


class Fork(NamedTuple):
    """Two steps, and the question that decides between them."""

    question: Callable[[Reconnection, float], bool]
    yes: Step
    no: Step

    def choose(self, state: Reconnection, now_s: float) -> Step:
        """Return the step that the answer gives."""
        return self.yes if self.question(state, now_s) else self.no


def _rejoins(state: Reconnection, now_s: float) -> bool:
    return state.rejoins


def _has_time(state: Reconnection, now_s: float) -> bool:
    return state.give_up_s <= 0 or now_s - state.away_since_s <= state.give_up_s


_CONNECT = Step(Phase.CONNECTING, (LinkAction.OPEN,))
_USE = Step(Phase.JOINED, (LinkAction.CANCEL,))
_DROP = Step(Phase.DROPPING, (LinkAction.CANCEL, LinkAction.DROP))
_RETRY = Step(Phase.WAITING, (LinkAction.CANCEL, LinkAction.WAIT))
_LOSE = Step(Phase.IDLE, (LinkAction.CANCEL, LinkAction.REPORT_LOSS))
_GIVE_UP = Step(Phase.ENDED, (LinkAction.CANCEL, LinkAction.GIVE_UP, LinkAction.DROP))
_FAIL = Fork(_has_time, _RETRY, _GIVE_UP)
_REFUSE = Fork(_rejoins, _DROP, _GIVE_UP)
_REFUSALS = {LinkEvent.REFUSED: _REFUSE, LinkEvent.HELD: _REFUSE}
_STOP = {LinkEvent.UNWANTED: Step(Phase.ENDED, (LinkAction.CANCEL,))}
_ENDS = {LinkEvent.TIME_OVER: _GIVE_UP, **_STOP}

LINK_TRANSITIONS: Final[dict[Phase, dict[LinkEvent, Step | Fork]]] = {
    Phase.IDLE: {LinkEvent.WANTED: _CONNECT, **_STOP},
    Phase.CONNECTING: {
        LinkEvent.OPENED: Step(Phase.JOINING, (LinkAction.LIMIT_JOINING,)),
        LinkEvent.NOT_OPENED: _FAIL,
        **_ENDS,
    },
    Phase.JOINING: {
        LinkEvent.REGISTERED: Step(Phase.REGISTERED, (LinkAction.CANCEL,)),
        LinkEvent.JOINED: _USE,
        LinkEvent.TOO_SLOW: _DROP,
        LinkEvent.CLOSED: _FAIL,
        **_REFUSALS,
        **_ENDS,
    },
    Phase.REGISTERED: {LinkEvent.JOINED: _USE, LinkEvent.CLOSED: _FAIL, **_REFUSALS, **_ENDS},
    Phase.JOINED: {LinkEvent.CLOSED: Fork(_rejoins, _RETRY, _LOSE), **_REFUSALS, **_STOP},
    Phase.DROPPING: {LinkEvent.CLOSED: _FAIL, **_ENDS},
    Phase.WAITING: {LinkEvent.WAITED: _CONNECT, **_ENDS},
    Phase.ENDED: {LinkEvent.OPENED: Step(Phase.ENDED, (LinkAction.DROP,))},
}

_ANSWERS = frozenset({LinkEvent.REGISTERED, LinkEvent.JOINED, LinkEvent.REFUSED, LinkEvent.HELD})
_TIMERS = frozenset({LinkEvent.TOO_SLOW, LinkEvent.WAITED})

LATE: Final[dict[Phase, frozenset[LinkEvent]]] = {
    Phase.IDLE: _ANSWERS | _TIMERS | {LinkEvent.TIME_OVER},
    Phase.CONNECTING: _ANSWERS | _TIMERS,
    Phase.JOINING: frozenset({LinkEvent.WAITED}),
    Phase.REGISTERED: _TIMERS,
    Phase.JOINED: _TIMERS | {LinkEvent.TIME_OVER},
    Phase.DROPPING: _ANSWERS | _TIMERS,
    Phase.WAITING: _ANSWERS | {LinkEvent.TOO_SLOW},
    Phase.ENDED: frozenset(LinkEvent) - {LinkEvent.WANTED, LinkEvent.OPENED},
}
