"""What becomes of an instance whose entry has changed."""

import itertools

import pytest

from ocsd.supervisor.amendment import Effect, effect
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle

PAIRS = list(itertools.product(State, Target))


@pytest.mark.parametrize(("state", "target"), PAIRS)
def test_what_is_not_wanted_ends_or_stays_down(state, target):
    stays = Effect.STAYS_DOWN if state is State.DOWN else Effect.ENDS
    for anew in (False, True):
        assert effect(Lifecycle(state=state, target=target), Target.DOWN, anew) is stays


@pytest.mark.parametrize(("state", "target"), PAIRS)
def test_what_is_wanted_starts_unless_it_runs_and_shall_go_on(state, target):
    life = Lifecycle(state=state, target=target)
    runs = state in {State.STARTING, State.UP, State.STOPPING} and target is Target.UP
    assert effect(life, Target.UP, anew=False) is (Effect.GOES_ON if runs else Effect.STARTS)
    assert effect(life, Target.UP, anew=True) is (Effect.RESTARTS if runs else Effect.STARTS)
