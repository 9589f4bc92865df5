"""What the unit tests share."""

import hypothesis
import pytest
from twisted.internet.task import Clock

# No test is held to the speed of the machine.
hypothesis.settings.register_profile(
    "any speed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any speed")


@pytest.fixture
def clock():
    """A clock that only the test advances; a timer left running fails the test."""
    clock = Clock()
    yield clock
    assert clock.getDelayedCalls() == []
