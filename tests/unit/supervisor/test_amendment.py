"""The effect of a changed entry on its instance."""

import itertools

import pytest

from ocsd.supervisor.amendment import Effect, effect
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import Cause, Wish

PAIRS = list(itertools.product(State, Target))
WANTED = Wish(Target.UP, Cause.SITE_FILE)
UNWANTED = Wish(Target.DOWN, Cause.SITE_FILE)


@pytest.mark.parametrize(("state", "target"), PAIRS)
def test_what_is_not_wanted_ends_or_stays_down(state, target):
    stays = Effect.STAYS_DOWN if state is State.DOWN else Effect.ENDS
    for fresh in (False, True):
        assert effect(Lifecycle(state=state, target=target), UNWANTED, fresh) is stays


@pytest.mark.parametrize(("state", "target"), PAIRS)
def test_what_is_wanted_starts_unless_it_runs_and_shall_go_on(state, target):
    life = Lifecycle(state=state, target=target)
    runs = state in {State.STARTING, State.UP, State.STOPPING} and target is Target.UP
    assert effect(life, WANTED, fresh=False) is (Effect.GOES_ON if runs else Effect.STARTS)
    assert effect(life, WANTED, fresh=True) is (Effect.RESTARTS if runs else Effect.STARTS)


@pytest.mark.parametrize("target", Target)
def test_what_has_ended_for_good_stays_down(target):
    assert effect(Lifecycle(), Wish(target, Cause.ENDED), fresh=True) is Effect.STAYS_DOWN
