"""The progress of a request."""

import pytest

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.outcome import Outcome, outcome

UP, DOWN = Target.UP, Target.DOWN


@pytest.mark.parametrize(
    ("wanted", "state", "target", "expected"),
    [
        (UP, State.UP, UP, Outcome.REACHED),
        (UP, State.STARTING, UP, Outcome.PENDING),
        (UP, State.STOPPING, UP, Outcome.PENDING),
        (UP, State.BACKOFF, UP, Outcome.WILL_NOT),
        (UP, State.FAILED, UP, Outcome.WILL_NOT),
        (UP, State.DOWN, UP, Outcome.WILL_NOT),
        (UP, State.STOPPING, DOWN, Outcome.WILL_NOT),
        (DOWN, State.DOWN, DOWN, Outcome.REACHED),
        (DOWN, State.STOPPING, DOWN, Outcome.PENDING),
        (DOWN, State.UP, UP, Outcome.WILL_NOT),
    ],
)
def test_a_request_has_come_about_will_not_or_may_still(wanted, state, target, expected):
    assert outcome(wanted, Lifecycle(state=state, target=target)) is expected
