"""Whatever happens in whatever order: the machine keeps its promises.

The numbers are those of docs/run/supervision.md, written out again: a constant that
changes by mistake shows here.
"""

import signal
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ocsd.supervisor.answers import Rule
from ocsd.supervisor.events import (
    Adopted,
    BecameHung,
    BecameReady,
    CauseCleared,
    Configured,
    DownRequested,
    EndedUnseen,
    Examine,
    Exited,
    IllegalTransitionError,
    Recalled,
    RestartRequested,
    Signal,
    Spawn,
    State,
    Target,
    TimerFired,
    UpRequested,
)
from ocsd.supervisor.lifecycle import TRANSITIONS, Lifecycle
from ocsd.supervisor.outcome import Outcome, outcome
from ocsd.supervisor.policy import RestartPolicy

FREE_RESTARTS = 3
FORGOTTEN_AFTER_S = 60.0
LONGEST_PAUSE_S = 72.0
SPREAD_S = 5.0
LADDER_S = 15.0
"""From the first signal to SIGKILL."""

LADDERS = {
    "asked": [(signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)],
    "hung": [(signal.SIGQUIT, 1.0), (signal.SIGKILL, 5.0)],
}
"""Which signals a process gets, and how long it is given after each [s]."""

LATE = [BecameReady(), BecameHung("late"), CauseCleared("late"), Adopted(), TimerFired()]
JITTER = st.floats(-1, 1)
ENDS = st.builds(
    Exited,
    code=st.sampled_from([None, 0, 1, 125]),
    signal=st.sampled_from([None, 9, 11]),
    shared=st.booleans(),
)

FAILURES = st.tuples(st.sampled_from([0.01, 59.9, 60.1]), st.booleans())
"""How long it was up before [s], and whether it has to be ended."""


def pause_s(ends, jitter):
    """Return how long an instance rests after so many unexpected ends in a row [s]."""
    if ends <= FREE_RESTARTS:
        return 0.0
    return min(0.5 * 2 ** (ends - FREE_RESTARTS - 1), 60.0) * (1 + 0.2 * jitter)


@dataclass
class Process:
    """A process as the world sees it."""

    ready_at_s: float | None = None
    condemned_for: str = ""
    """Why it gets signals: a key of LADDERS; empty as long as it gets none."""
    signals: list = field(default_factory=list)
    """Pairs of a signal and when it was delivered, as far as is known."""
    was_out_of_reach: bool = False

    def was_steady(self, now_s):
        return self.ready_at_s is not None and now_s - self.ready_at_s >= FORGOTTEN_AFTER_S

    def was_killed(self):
        return any(number is signal.SIGKILL for number, _ in self.signals)


class World(RuleBasedStateMachine):
    """A process that the machine's actions start, and that may end, hang and get ready.

    The world keeps its own books of what was asked for and of what was done, and
    never looks into the machine to learn what it should have done.
    """

    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self.life = Lifecycle()
        self.process = None
        self.wanted = False
        self.ends = 0
        """Unexpected ends in a row that are held against it."""
        self.unasked_starts = 0
        self.not_before_s = None
        """When it may be tried again with nobody asking; None if it may not."""
        self.failed_for_good = False
        self.ended_for_good = False
        """Whether its policy forbids another start although it is wanted."""
        self.reached = True
        """Whether a signal reaches a process now."""

    @initialize(policy=st.sampled_from(RestartPolicy))
    def has_a_policy(self, policy):
        self.life = Lifecycle(policy=policy)

    def runs_freely(self):
        """Whether it has a process that nobody wants to end."""
        return self.process is not None and not self.process.signals

    def waits(self):
        """Whether it is to be tried again, some time or when its cause is gone."""
        return self.not_before_s is not None or self.failed_for_good

    # What the machine does, and whether it may

    def happens(self, event, jitter=0.0):
        before = self.life
        self.life, actions = before.after(event, self.now_s, jitter)
        answer = TRANSITIONS[before.state][type(event)]
        if isinstance(answer, Rule):
            assert self.life.state in (answer.leads_to or [before.state])
        else:
            assert (self.life, actions) == (before, ())
        for number, action in enumerate(actions):
            match action:
                case Spawn():
                    self.is_spawned(event)
                case Signal(signal_number):
                    self.is_signalled(signal_number, event)
                case Examine(reason):
                    assert event == BecameHung(reason)
                    assert number == 0, "put on record before anything ends it"
        return actions

    def is_spawned(self, event):
        assert self.process is None, "a second copy"
        assert self.wanted, "nobody wants it"
        self.process = Process()
        match event:
            case UpRequested() | RestartRequested():
                self.ends = 0
            case CauseCleared(by=by):
                assert self.waits()
                self.unasked_starts += not by
                if by:
                    self.ends = 0
            case TimerFired():
                assert self.not_before_s is not None, "it was not to be tried again"
                assert self.now_s >= self.not_before_s - 1e-9, "it was tried too soon"
                self.unasked_starts += 1
            case Exited():
                pass  # it_ends() knows what may follow
            case _:
                pytest.fail(f"{event} starts nothing")
        self.not_before_s = None
        self.failed_for_good = self.ended_for_good = False

    def is_signalled(self, number, event):
        process = self.process
        assert process, "a signal to nobody"
        if not process.signals:
            process.condemned_for = "hung" if isinstance(event, BecameHung) else "asked"
            assert isinstance(event, BecameHung | DownRequested | RestartRequested)
        rungs = LADDERS[process.condemned_for]
        climbed = len(process.signals)
        assert number is rungs[min(climbed, len(rungs) - 1)][0]
        if climbed:
            assert isinstance(event, TimerFired)
            given_s = rungs[min(climbed, len(rungs)) - 1][1]
            assert self.now_s - process.signals[-1][1] >= given_s - 1e-9
        process.signals.append((number, self.now_s))

    # What can happen

    @rule(request=st.sampled_from([UpRequested("ann"), DownRequested(), RestartRequested()]))
    def somebody_asks(self, request):
        self.wanted = not isinstance(request, DownRequested)
        self.happens(request)
        if self.wanted:
            assert self.process, "it is tried at once"
        elif self.process is None:
            if self.waits():
                self.ends = 0
            self.not_before_s, self.failed_for_good = None, False

    @rule(seconds=st.one_of(st.floats(0.001, 20), st.floats(20, 200)))
    def time_passes(self, seconds):
        end_s = self.now_s + seconds
        while self.life.wake_at_s is not None and self.life.wake_at_s <= end_s:
            self.now_s = max(self.now_s, self.life.wake_at_s)
            self.its_time_has_come()
        self.now_s = max(self.now_s, end_s)

    def its_time_has_come(self):
        process = self.process
        if process is None:
            self.happens(TimerFired(self.reached))
        elif not self.reached:
            process.was_out_of_reach = True
            process.signals[-1] = (process.signals[-1][0], None)
            assert self.happens(TimerFired(reached=False)) == ()
        elif process.signals[-1][1] is None:
            process.signals[-1] = (process.signals[-1][0], self.now_s)
            assert self.happens(TimerFired()) == ()
        else:
            self.happens(TimerFired())

    @rule(reached=st.booleans())
    def signals_are_held_up_or_not(self, reached):
        self.reached = reached

    @rule(policy=st.sampled_from(RestartPolicy))
    def its_entry_is_edited(self, policy):
        assert self.happens(Configured(policy)) == ()

    @precondition(lambda self: self.life.state is State.DOWN)
    @rule(wanted=st.booleans())
    def an_end_is_recalled(self, wanted):
        target = Target.UP if wanted else Target.DOWN
        assert self.happens(Recalled(target, "as remembered")) == ()
        self.wanted = self.ended_for_good = wanted

    @precondition(lambda self: self.life.state is State.DOWN)
    @rule(end=ENDS)
    def it_ended_unseen(self, end):
        before = self.life
        assert self.happens(EndedUnseen(end)) == ()
        done = end.code == 0 and before.policy is not RestartPolicy.ALWAYS
        if done:
            self.wanted = False
        elif end.code != 125 and before.policy is RestartPolicy.NEVER:
            self.wanted = self.ended_for_good = True

    @rule(event=st.sampled_from(LATE))
    def something_comes_too_late(self, event):
        not_late = {
            BecameReady: self.runs_freely() and self.process.ready_at_s is None,
            BecameHung: self.runs_freely(),
            CauseCleared: self.waits(),
            Adopted: self.process is None or self.life.state is State.STARTING,
            TimerFired: self.life.wake_at_s is not None,
        }
        if not not_late[type(event)]:
            before = self.life
            assert self.happens(event) == ()
            assert self.life == before

    @precondition(lambda self: self.runs_freely() and self.process.ready_at_s is None)
    @rule()
    def it_gets_ready(self):
        self.happens(BecameReady())
        self.process.ready_at_s = self.now_s
        assert self.life.state is State.UP

    @precondition(lambda self: self.process)
    @rule(end=ENDS, jitter=JITTER)
    def it_ends(self, end, jitter):
        process, self.process = self.process, None
        actions, policy = self.happens(end, jitter), self.life.policy
        if not self.wanted:
            assert (self.life.state, actions) == (State.DOWN, ())
            self.ends = 0
        elif process.condemned_for == "asked":
            assert actions == (Spawn(),)
            self.ends = 0
        elif not process.condemned_for and end.code == 125:
            assert (self.life.state, actions) == (State.FAILED, ())
            self.failed_for_good = True
        elif not process.condemned_for and end.code == 0 and policy is not RestartPolicy.ALWAYS:
            assert (self.life.state, actions) == (State.DOWN, ())
            self.wanted = False
        elif policy is RestartPolicy.NEVER:
            assert (self.life.state, actions) == (State.DOWN, ())
            self.ended_for_good = True
        else:
            self.is_held_against_it(process, end, jitter, actions)

    @precondition(lambda self: self.runs_freely() and self.process.ready_at_s is None)
    @rule(failures=st.lists(FAILURES, min_size=2, max_size=6))
    def it_fails_over_and_over(self, failures):
        """Reach the long pauses, and the minute that makes all forgotten, often enough."""
        for up_for_s, hangs in failures:
            self.it_gets_ready()
            self.time_passes(up_for_s)
            if hangs:
                self.it_hangs()
            self.it_ends(Exited(code=1), 0.0)
            if self.life.wake_at_s is not None:
                self.time_passes(self.life.wake_at_s - self.now_s)
            if self.process is None:
                return  # its policy is never to restart it

    def is_held_against_it(self, process, end, jitter, actions):
        before = 0 if process.was_steady(self.now_s) else self.ends
        if end.shared:  # not its fault, and all come back one after the other
            self.ends, rest_s = before, SPREAD_S * (1 + jitter) / 2
        else:
            self.ends, rest_s = before + 1, pause_s(before + 1, jitter)
        if rest_s == 0.0:
            assert actions == (Spawn(),)
            self.unasked_starts += 1
        else:
            assert actions == (), "restarted at once, more often than the policy allows"
            self.not_before_s = self.now_s + rest_s
            assert self.life.wake_at_s == pytest.approx(self.not_before_s)

    @precondition(lambda self: self.runs_freely())
    @rule()
    def it_hangs(self):
        actions = self.happens(BecameHung("silent"))
        assert self.life.state is State.STOPPING
        assert actions == (Examine("silent"), Signal(signal.SIGQUIT))

    @precondition(lambda self: self.waits())
    @rule(by=st.sampled_from(["", "ann"]))
    def its_cause_is_gone(self, by):
        assert self.happens(CauseCleared("evidence", by)) == (Spawn(),)

    @precondition(lambda self: self.process is None)
    @rule()
    def a_process_of_it_is_found(self):
        self.process = Process()
        self.wanted = True
        self.not_before_s, self.failed_for_good = None, False
        assert self.happens(Adopted()) == ()

    @precondition(lambda self: self.process is None)
    @rule(end=ENDS)
    def what_has_no_process_cannot_end(self, end):
        with pytest.raises(IllegalTransitionError):
            self.life.after(end, self.now_s)

    # What always holds

    @invariant()
    def a_process_lives_just_when_the_state_says_so(self):
        assert self.life.has_process == (self.process is not None)

    @invariant()
    def the_target_is_what_was_last_asked_for(self):
        assert (self.life.target is Target.UP) == self.wanted

    @invariant()
    def what_is_counted_is_what_happened(self):
        assert (self.life.failures, self.life.restarts) == (self.ends, self.unasked_starts)

    @invariant()
    def what_waits_is_woken(self):
        waits = self.life.state in {State.BACKOFF, State.STOPPING}
        assert (self.life.wake_at_s is not None) == waits
        if waits:
            assert self.life.wake_at_s - self.now_s <= LONGEST_PAUSE_S + 1e-9

    @invariant()
    def what_is_not_wanted_ends_or_rests(self):
        if not self.wanted:
            assert self.life.state in {State.DOWN, State.STOPPING}

    @invariant()
    def whoever_does_not_end_is_killed_in_time(self):
        if self.process and self.process.signals:
            _, first_s = self.process.signals[0]
            assert (
                self.process.was_killed()
                or self.process.was_out_of_reach
                or self.now_s - first_s < LADDER_S + 1e-9
            )

    @invariant()
    def it_never_rests_unwanted_reasons_untold(self):
        if self.life.state in {State.BACKOFF, State.FAILED}:
            assert self.life.reason
        if self.life.failures:
            assert self.life.last_end

    @invariant()
    def left_alone_it_soon_gets_to_where_it_is_wanted(self):
        """In a world where nothing fails any more, and nothing but SIGKILL is obeyed."""
        life, now_s = self.life, self.now_s
        killed = self.process is not None and self.process.was_killed()
        for _ in range(6):
            if life.state is State.STARTING:
                event, killed = BecameReady(), False
            elif killed:
                event, killed = Exited(signal=9), False
            elif life.wake_at_s is not None:
                event, now_s = TimerFired(), max(now_s, life.wake_at_s)
            else:
                break
            life, actions = life.after(event, now_s, 1.0)
            killed = killed or Signal(signal.SIGKILL) in actions
        assert life.settled
        assert now_s - self.now_s <= LADDER_S + LONGEST_PAUSE_S + 1e-9
        arrived = outcome(Target.UP if self.wanted else Target.DOWN, life)
        given_up = self.failed_for_good or self.ended_for_good or life.policy is RestartPolicy.NEVER
        assert arrived is Outcome.REACHED or (
            self.wanted and given_up and arrived is Outcome.WILL_NOT
        )


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
