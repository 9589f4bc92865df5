"""The state machine of one instance, with simulated time."""

import dataclasses
import itertools
import signal
import typing

import pytest

from ocsd.supervisor.answers import Ignored, Impossible, Rule
from ocsd.supervisor.events import (
    Adopted,
    BecameHung,
    BecameReady,
    CauseCleared,
    Configured,
    DownRequested,
    EndedUnseen,
    Event,
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
    end_reason,
    exited,
)
from ocsd.supervisor.lifecycle import TRANSITIONS, Lifecycle
from ocsd.supervisor.policy import HUNG_LADDER, Ending, RestartPolicy

EVENTS = typing.get_args(Event)


def run(life, *steps):
    """Feed (event, time) pairs; return the last state and all actions."""
    actions = []
    for event, now_s in steps:
        life, some = life.after(event, now_s)
        actions += some
    return life, actions


def up_since(now_s, **fields):
    life, _ = run(Lifecycle(**fields), (UpRequested(), now_s), (BecameReady(), now_s))
    assert life.state is State.UP
    return life


PAIRS = list(itertools.product(State, EVENTS))


LIVES = [
    {"target": target, "policy": policy, "failures": failures, "ending": ending}
    for target, policy, failures, ending in itertools.product(
        Target, RestartPolicy, (0, 9), (Ending(), Ending(HUNG_LADDER, trouble="silent"))
    )
]
"""All that a decision may depend on, beside the state and the event."""

VARIANTS = {
    Exited: [Exited(code=code, shared=shared) for code in (0, 1, 125) for shared in (False, True)],
    TimerFired: [TimerFired(), TimerFired(reached=False)],
    EndedUnseen: [EndedUnseen(Exited(code=code)) for code in (0, 1, 125)],
}
"""Events with contents that a decision may depend on."""


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_of_state_and_event_is_decided(state, event):
    life = Lifecycle(state=state)
    match TRANSITIONS[state][event]:
        case Rule():
            assert life.after(event(), 0.0)
        case Ignored():
            assert life.after(event(), 0.0) == (life, ())
        case Impossible(why):
            with pytest.raises(IllegalTransitionError, match=f"{event.__name__} while {state}"):
                life.after(event(), 0.0)
            assert why


@pytest.mark.parametrize(
    ("state", "event"), [pair for pair in PAIRS if isinstance(TRANSITIONS[pair[0]][pair[1]], Rule)]
)
def test_the_table_shows_just_the_next_states_that_there_are(state, event):
    reached = {
        Lifecycle(state=state, **fields).after(variant, 0.0)[0].state
        for fields in LIVES
        for variant in VARIANTS.get(event, [event()])
    }
    assert reached == set(TRANSITIONS[state][event].leads_to or [state])


def test_an_instance_that_is_wanted_is_spawned_and_gets_ready():
    life, actions = run(Lifecycle(), (UpRequested(), 1.0))
    assert (life.state, life.target, actions) == (State.STARTING, Target.UP, [Spawn()])
    life, actions = run(life, (BecameReady(), 2.0))
    assert (life.state, life.since_s, actions) == (State.UP, 2.0, [])


def test_three_crashes_restart_at_once_and_later_ones_wait_longer():
    life = up_since(0.0)
    delays = []
    now_s = 0.0
    for _ in range(13):
        life, _ = run(life, (Exited(code=1), now_s))
        delays.append(0.0 if life.wake_at_s is None else life.wake_at_s - now_s)
        if life.wake_at_s is not None:
            now_s = life.wake_at_s
            life, actions = run(life, (TimerFired(), now_s))
            assert actions == [Spawn()]
    assert delays == [0, 0, 0, 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert life.restarts == 13


@pytest.mark.parametrize(("jitter", "delay_s"), [(-1.0, 0.4), (1.0, 0.6)])
def test_jitter_spreads_restarts_by_a_fifth(jitter, delay_s):
    life = up_since(0.0)
    for _ in range(3):
        life, _ = life.after(Exited(code=1), 0.0)
    life, _ = life.after(Exited(code=1), 0.0, jitter)
    assert life.wake_at_s == pytest.approx(delay_s)


def test_a_minute_of_health_makes_earlier_failures_forgotten():
    life = up_since(0.0)
    life, _ = run(life, *[(Exited(code=1), 0.0)] * 3, (BecameReady(), 0.0))
    early, _ = run(life, (Exited(code=1), 59.9))
    late, _ = run(life, (Exited(code=1), 60.0))
    assert (early.state, early.failures) == (State.BACKOFF, 4)
    assert (late.state, late.failures) == (State.STARTING, 1)


def test_a_permanent_failure_is_not_tried_again_unasked():
    life, actions = run(up_since(0.0), (Exited(code=125, detail="no module named 'visa'"), 1.0))
    assert (life.state, life.reason, actions) == (State.FAILED, "no module named 'visa'", [])
    life, actions = run(life, (RestartRequested(), 2.0))
    assert (life.state, actions) == (State.STARTING, [Spawn()])


@pytest.mark.parametrize(
    ("policy", "code", "state", "target"),
    [
        (RestartPolicy.ALWAYS, 0, State.STARTING, Target.UP),
        (RestartPolicy.ON_FAILURE, 0, State.DOWN, Target.DOWN),
        (RestartPolicy.ON_FAILURE, 1, State.STARTING, Target.UP),
        (RestartPolicy.NEVER, 0, State.DOWN, Target.DOWN),
        (RestartPolicy.NEVER, 1, State.DOWN, Target.UP),
    ],
)
def test_the_policy_says_which_ends_are_followed_by_a_restart(policy, code, state, target):
    life, _ = run(up_since(0.0, policy=policy), (Exited(code=code), 1.0))
    assert (life.state, life.target) == (state, target)


def test_a_stuck_agent_is_asked_then_killed():
    life = up_since(0.0)
    asked = []
    for event, now_s in [
        (DownRequested(), 1.0),
        (TimerFired(), 11.0),
        (TimerFired(), 16.0),
        (TimerFired(), 21.0),
    ]:
        life, actions = life.after(event, now_s)
        asked += actions
    kill = Signal(signal.SIGKILL)
    assert asked == [Signal(signal.SIGINT), Signal(signal.SIGTERM), kill, kill]
    assert life.reason == "did not end on SIGTERM; SIGKILL sent"
    life, _ = run(life, (Exited(signal=9), 21.1))
    assert (life.state, life.reason) == (State.DOWN, "ended by SIGKILL")


def test_a_restart_waits_for_the_end_of_the_first_copy():
    life, actions = run(up_since(0.0), (RestartRequested(), 1.0))
    assert actions == [Signal(signal.SIGINT)]
    life, actions = run(life, (Exited(code=0), 1.2))
    assert (life.state, actions) == (State.STARTING, [Spawn()])
    assert life.restarts == 0


def test_a_restart_that_needed_force_says_so():
    steps = [(RestartRequested(), 1.0), (TimerFired(), 11.0), (TimerFired(), 16.0)]
    life, actions = run(up_since(0.0), *steps, (Exited(signal=9), 16.1))
    assert (life.state, actions[-1]) == (State.STARTING, Spawn())
    assert life.reason == "restart requested; it was ended by SIGKILL"


def test_whoever_asks_last_while_an_instance_stops_has_the_say():
    stopping, _ = run(up_since(0.0), (DownRequested(), 1.0))
    wanted, actions = run(stopping, (UpRequested(), 1.1), (Exited(code=0), 1.2))
    assert (wanted.state, actions) == (State.STARTING, [Spawn()])
    again, _ = run(stopping, (RestartRequested(), 1.1))
    assert (stopping.reason, again.reason) == ("stop requested", "restart requested")
    unwanted, actions = run(
        stopping, (UpRequested(), 1.1), (DownRequested(), 1.15), (Exited(code=0), 1.2)
    )
    assert (unwanted.state, actions) == (State.DOWN, [])


def test_what_waits_for_a_try_can_be_asked_to_rest_or_to_hurry():
    waiting, _ = run(up_since(0.0), *[(Exited(signal=9), 0.0)] * 4)
    assert waiting.state is State.BACKOFF
    assert waiting.reason == "killed by SIGKILL"
    rest, _ = run(waiting, (DownRequested(), 0.1))
    assert (rest.state, rest.wake_at_s) == (State.DOWN, None)
    hurry, actions = run(waiting, (UpRequested(), 0.1))
    assert (hurry.state, hurry.failures, actions) == (State.STARTING, 0, [Spawn()])


def test_a_found_process_is_taken_over_without_being_spawned():
    life, actions = run(Lifecycle(), (Adopted(), 1.0), (BecameReady(), 1.5))
    assert (life.state, life.target, actions) == (State.UP, Target.UP, [])


def test_a_second_copy_is_never_spawned_while_the_first_lives():
    """Walk over all sequences of six events and count the living copies."""
    possible = [UpRequested(), DownRequested(), RestartRequested(), BecameReady(), TimerFired()]

    def walk(life, copies, depth):
        assert copies == int(life.has_process)
        if depth == 0:
            return
        for event in [*possible, Exited(code=1)] if copies else possible:
            left = copies - isinstance(event, Exited)
            following, actions = life.after(event, 0.0)
            walk(following, left + actions.count(Spawn()), depth - 1)

    walk(Lifecycle(), 0, 6)


def test_how_a_process_ended_is_said_in_words():
    said = end_reason
    assert said(Exited(code=1, detail="OSError: no device")) == (
        "ended with exit code 1: OSError: no device"
    )
    assert said(exited(1)) == "ended with exit code 1"
    assert said(exited(-signal.SIGSEGV)) == "killed by SIGSEGV"
    assert said(Exited(signal=1000)) == "killed by signal 1000"
    assert said(Exited()) == "ended, cause unknown"


def hung(reason="its reactor has not answered for 30 s"):
    life, actions = up_since(0.0).after(BecameHung(reason), 100.0)
    return life, actions


def test_a_hung_instance_is_examined_and_killed_with_its_stacks():
    life, actions = hung()
    assert (life.state, life.target) == (State.STOPPING, Target.UP)
    assert actions == (Examine(life.reason), Signal(signal.SIGQUIT))
    assert life.wake_at_s == 101.0
    life, actions = life.after(TimerFired(), 101.0)
    assert actions == (Signal(signal.SIGKILL),)
    assert life.reason == "its reactor has not answered for 30 s"


def test_a_hang_counts_as_a_failure():
    life, _ = hung()
    life, actions = life.after(Exited(signal=9), 102.0)
    assert (life.state, life.failures, life.restarts) == (State.STARTING, 1, 1)
    assert life.last_end == life.reason == "its reactor has not answered for 30 s"
    assert actions == (Spawn(),)
    life, _ = run(life, *[(BecameReady(), 102.0), (Exited(code=1), 102.0)] * 3)
    assert (life.state, life.failures) == (State.BACKOFF, 4)


def test_a_hung_instance_that_is_asked_to_end_rests_afterwards():
    life, _ = hung("hung")
    life, _ = run(life, (UpRequested(), 100.4), (DownRequested(), 100.5))
    assert life.reason == "hung; stop requested"
    life, actions = run(life, (Exited(signal=9), 102.0))
    assert (life.state, life.target, actions) == (State.DOWN, Target.DOWN, [])


def test_an_old_cause_is_not_told_for_an_end_that_was_asked_for():
    life, _ = hung("memory: 386 MB is above its limit")
    life, _ = run(life, (Exited(signal=9), 102.0), (BecameReady(), 103.0))
    assert life.last_end == "memory: 386 MB is above its limit"
    for request in (RestartRequested(), DownRequested()):
        asked, _ = run(life, (request, 104.0), (Exited(code=0), 105.0))
        assert asked.last_end == ""
        assert "memory" not in asked.reason
    # One that was being ended by force for it when somebody asked has that cause.
    life, _ = hung("memory: 386 MB is above its limit")
    life, _ = run(life, (DownRequested(), 101.0), (Exited(signal=9), 102.0))
    assert life.reason == life.last_end == "memory: 386 MB is above its limit"


def test_a_hung_instance_that_shall_not_be_restarted_is_down():
    life, _ = run(
        up_since(0.0, policy=RestartPolicy.NEVER), (BecameHung(), 1.0), (Exited(signal=9), 2.0)
    )
    assert (life.state, life.reason) == (State.DOWN, "hung; restart is never")


@pytest.mark.parametrize(("jitter", "delay_s"), [(-0.9, 0.25), (0.0, 2.5), (1.0, 5.0)])
def test_a_shared_cause_is_not_counted_but_spread_out(jitter, delay_s):
    life, actions = up_since(0.0).after(Exited(code=1, shared=True), 1.0, jitter)
    assert (life.state, life.failures, actions) == (State.BACKOFF, 0, ())
    assert life.wake_at_s == pytest.approx(1.0 + delay_s)


def test_what_waits_is_tried_at_once_when_its_cause_is_gone():
    life, _ = run(up_since(0.0), *[(Exited(code=1), 0.0)] * 4)
    life, actions = life.after(CauseCleared("the file of its class changed"), 0.1)
    assert (life.state, life.failures, actions) == (State.STARTING, 4, (Spawn(),))
    assert life.reason.endswith("tried again, for the file of its class changed")
    assert life.wake_at_s is None


@pytest.mark.parametrize(("by", "restarts"), [("", 1), ("alice", 0)])
def test_what_failed_for_good_is_tried_when_its_cause_is_gone(by, restarts):
    cleared = CauseCleared("its entry changed", by)
    life, _ = run(up_since(0.0), (Exited(code=125), 0.0), (cleared, 1.0))
    assert life.state is State.STARTING
    # Restarts that nobody asked for.
    assert life.restarts == restarts


def test_the_ends_of_another_entry_are_forgotten():
    life, _ = run(up_since(0.0), *[(Exited(code=1), 0.0)] * 4)
    life, _ = run(life, (CauseCleared("its entry changed", "alice"), 0.1), (BecameReady(), 0.2))
    assert (life.failures, life.last_end) == (0, "")


@pytest.mark.parametrize("state", [State.BACKOFF, State.FAILED, State.DOWN])
def test_a_process_that_is_found_running_is_never_started_twice(state):
    life, actions = Lifecycle(state=state, wake_at_s=5.0).after(Adopted(), 1.0)
    assert (life.state, life.wake_at_s, actions) == (State.STARTING, None, ())


@pytest.mark.parametrize(
    ("state", "target", "settled"),
    [
        (State.DOWN, Target.DOWN, True),
        (State.DOWN, Target.UP, True),
        (State.FAILED, Target.UP, True),
        (State.UP, Target.UP, True),
        (State.UP, Target.DOWN, False),
        (State.STARTING, Target.UP, False),
        (State.STOPPING, Target.DOWN, False),
        (State.BACKOFF, Target.UP, False),
    ],
)
def test_what_still_moves_by_itself_is_not_settled(state, target, settled):
    assert Lifecycle(state=state, target=target).settled is settled


@pytest.mark.parametrize("state", State)
def test_another_policy_changes_nothing_else(state):
    life = Lifecycle(state=state, target=Target.UP, wake_at_s=5.0, reason="why")
    after, actions = life.after(Configured(RestartPolicy.NEVER), 1.0)
    assert (after, actions) == (dataclasses.replace(life, policy=RestartPolicy.NEVER), ())


def test_what_an_earlier_daemon_remembers_is_taken_over():
    life, actions = Lifecycle().after(Recalled(Target.UP, "ended with exit code 3"), 1.0)
    assert (life.state, life.target, life.reason, actions) == (
        *(State.DOWN, Target.UP, "ended with exit code 3", ()),
    )


@pytest.mark.parametrize(
    ("policy", "code", "target", "reason"),
    [
        (RestartPolicy.NEVER, 0, Target.DOWN, "ended with exit code 0; restart is never"),
        (RestartPolicy.NEVER, 3, Target.UP, "ended with exit code 3; restart is never"),
        (RestartPolicy.ON_FAILURE, 0, Target.DOWN, "ended with exit code 0; restart is on-failure"),
    ],
)
def test_an_unseen_end_that_was_the_last_one_is_remembered(policy, code, target, reason):
    before = Lifecycle(policy=policy)
    life, actions = before.after(EndedUnseen(Exited(code=code)), 1.0)
    assert (life.state, life.target, actions) == (State.DOWN, target, ())
    assert life.reason == f"while no daemon ran: {reason}"


@pytest.mark.parametrize(
    ("policy", "code"),
    [(RestartPolicy.ALWAYS, 0), (RestartPolicy.ON_FAILURE, 1), (RestartPolicy.NEVER, 125)],
)
def test_an_unseen_end_before_another_start_changes_nothing(policy, code):
    life = Lifecycle(policy=policy)
    assert life.after(EndedUnseen(Exited(code=code)), 1.0) == (life, ())


def test_the_limit_of_a_signal_counts_from_its_delivery():
    life, _ = up_since(0.0).after(DownRequested(), 1.0)
    for now_s in (11.0, 12.0):
        life, actions = life.after(TimerFired(reached=False), now_s)
        assert (actions, life.wake_at_s) == ((), now_s + 1.0)
    life, actions = life.after(TimerFired(), 13.0)
    assert (actions, life.wake_at_s, life.reason) == ((), 23.0, "stop requested")
    life, actions = life.after(TimerFired(), 23.0)
    assert (actions, life.wake_at_s) == ((Signal(signal.SIGTERM),), 28.0)
