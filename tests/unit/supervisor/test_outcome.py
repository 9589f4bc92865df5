"""When a request has come about."""

import pytest

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.outcome import outcome

UP, DOWN = Target.UP, Target.DOWN


@pytest.mark.parametrize(
    ("wanted", "state", "target", "expected"),
    [
        (UP, State.UP, UP, True),
        (UP, State.STARTING, UP, None),
        (UP, State.STOPPING, UP, None),
        (UP, State.BACKOFF, UP, False),
        (UP, State.FAILED, UP, False),
        (UP, State.DOWN, UP, False),
        (UP, State.STOPPING, DOWN, False),
        (DOWN, State.DOWN, DOWN, True),
        (DOWN, State.STOPPING, DOWN, None),
        (DOWN, State.UP, UP, False),
    ],
)
def test_a_request_has_come_about_will_not_or_may_still(wanted, state, target, expected):
    assert outcome(wanted, Lifecycle(state=state, target=target)) is expected
