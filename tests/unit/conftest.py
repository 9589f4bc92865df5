"""What the unit tests share."""

import pytest
from twisted.internet.task import Clock


@pytest.fixture
def clock():
    """A clock that only the test advances; a timer left running fails the test."""
    clock = Clock()
    yield clock
    assert clock.getDelayedCalls() == []
