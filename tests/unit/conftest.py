"""What the unit tests share."""

import os

import hypothesis
import pytest
from twisted.internet.task import Clock

# No test is held to the speed of the machine.
hypothesis.settings.register_profile(
    "any speed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any speed")


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk():
    """Have `os.fsync` check its descriptor only: no test here can cut the power.

    Tens of thousands of files are written; the wait for the disk took half of the time of some
    tests. Those in which a disk fails put a function of their own in its place.
    """

    def checked(descriptor):
        os.fstat(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", checked)
        yield


@pytest.fixture
def clock():
    """A clock that only the test advances; a timer left running fails the test."""
    clock = Clock()
    yield clock
    assert clock.getDelayedCalls() == []
