"""Whatever happens in whatever order: the machine keeps its promises."""

import dataclasses

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocsd.supervisor.events import (
    Adopted,
    BecameHung,
    BecameReady,
    CauseCleared,
    DownRequested,
    Exited,
    RestartRequested,
    Signal,
    Spawn,
    State,
    Target,
    TimerFired,
    UpRequested,
)
from ocsd.supervisor.lifecycle import TRANSITIONS, Lifecycle, Rule
from ocsd.supervisor.policy import RestartPolicy

JITTER = st.floats(-1, 1)
ENDS = st.builds(
    Exited,
    code=st.sampled_from([None, 0, 1, 125]),
    signal=st.sampled_from([None, 9, 11]),
    shared=st.booleans(),
)


class World(RuleBasedStateMachine):
    """A process that the machine's actions start, and that may end, hang and get ready."""

    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self.processes = 0
        self.life = Lifecycle()
        self.spawned_at = []

    @rule(policy=st.sampled_from(RestartPolicy))
    @precondition(lambda self: self.now_s == 0.0)
    def choose_policy(self, policy):
        self.life = dataclasses.replace(self.life, policy=policy)

    def happens(self, event, jitter=0.0):
        before = self.life
        self.life, actions = before.after(event, self.now_s, jitter)
        answer = TRANSITIONS[before.state][type(event)]
        if isinstance(answer, Rule):
            assert self.life.state in answer.leads_to
        for action in actions:
            if isinstance(action, Spawn):
                assert self.processes == 0, "a second copy"
                self.processes = 1
                self.spawned_at.append(self.now_s)
            if isinstance(action, Signal):
                assert self.processes == 1, "a signal to nobody"

    @rule(request=st.sampled_from([UpRequested(), DownRequested(), RestartRequested()]))
    def somebody_asks(self, request):
        self.happens(request)
        if not isinstance(request, DownRequested):
            assert self.life.target is Target.UP
        else:
            assert self.life.target is Target.DOWN

    @rule(seconds=st.floats(0.001, 200))
    def time_passes(self, seconds):
        end_s = self.now_s + seconds
        while self.life.wake_at_s is not None and self.life.wake_at_s <= end_s:
            self.now_s = max(self.now_s, self.life.wake_at_s)
            self.happens(TimerFired())
            if self.life.state is State.STOPPING:
                break  # the process has its say before the next rung
        self.now_s = max(self.now_s, end_s)

    @rule(late=st.sampled_from([BecameReady(), TimerFired()]))
    def something_comes_late(self, late):
        if self.life.state is not State.STARTING and self.life.wake_at_s is None:
            before = self.life
            self.happens(late)
            assert self.life == before

    @precondition(lambda self: self.processes)
    @rule()
    def it_gets_ready(self):
        self.happens(BecameReady())

    @precondition(lambda self: self.processes)
    @rule(end=ENDS, jitter=JITTER)
    def it_ends(self, end, jitter):
        self.processes = 0
        asked = self.life.state is State.STOPPING and not self.life.trouble
        failures = self.life.failures
        self.happens(end, jitter)
        if asked:
            assert self.life.failures == 0
        elif end.shared:
            assert self.life.failures <= failures
        if self.life.target is Target.DOWN:
            assert self.life.state is State.DOWN

    @precondition(lambda self: self.processes)
    @rule()
    def it_hangs(self):
        self.happens(BecameHung("silent"))
        assert self.life.state is State.STOPPING

    @rule()
    def its_cause_is_gone(self):
        waited = self.life.state in {State.BACKOFF, State.FAILED}
        self.happens(CauseCleared("evidence"))
        assert self.processes or not waited

    @precondition(lambda self: not self.processes)
    @rule()
    def a_process_of_it_is_found(self):
        self.processes = 1
        self.happens(Adopted())

    @invariant()
    def a_process_lives_just_when_the_state_says_so(self):
        assert self.life.has_process == bool(self.processes)

    @invariant()
    def what_waits_is_woken(self):
        waits = self.life.state in {State.BACKOFF, State.STOPPING}
        assert (self.life.wake_at_s is not None) == waits

    @invariant()
    def what_is_not_wanted_ends_or_rests(self):
        if self.life.target is Target.DOWN:
            assert self.life.state in {State.DOWN, State.STOPPING}

    @invariant()
    def it_never_rests_unwanted_reasons_untold(self):
        if self.life.state in {State.BACKOFF, State.FAILED}:
            assert self.life.reason


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
