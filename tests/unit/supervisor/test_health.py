"""Health is decided from what an instance says and does not say."""

import pytest

from ocsd.supervisor.events import State
from ocsd.supervisor.health import Health, SelfReport, judge
from ocsd.supervisor.lifecycle import Lifecycle


def up(**fields):
    return Lifecycle(state=State.UP, since_s=0.0, up_since_s=0.0, **fields)


@pytest.mark.parametrize("state", [State.DOWN, State.STOPPING, State.BACKOFF, State.FAILED])
def test_what_does_not_run_has_no_health(state):
    assert judge(Lifecycle(state=state), SelfReport(), 1.0) == (None, "")


def test_a_joined_agent_without_complaint_is_ok():
    assert judge(up(), SelfReport(99.5, ready=True), 100.0) == (Health.OK, "")


def test_silence_of_the_reactor_is_a_hang():
    assert judge(up(), SelfReport(80.0, ready=True), 100.0) == (
        Health.HUNG,
        "its reactor has not answered for 20 s",
    )


def test_an_agent_that_lost_the_router_is_degraded_and_says_so():
    report = SelfReport(99.5, ready=False, text="waiting for the router at ws://hub")
    assert judge(up(), report, 100.0) == (Health.DEGRADED, "waiting for the router at ws://hub")


def test_a_joined_agent_with_a_complaint_is_degraded():
    report = SelfReport(99.5, ready=True, text="operation 'acq' failed: no device")
    assert judge(up(), report, 100.0) == (Health.DEGRADED, "operation 'acq' failed: no device")


def test_a_start_that_takes_long_is_degraded_with_what_it_waits_for():
    life = Lifecycle(state=State.STARTING, since_s=0.0)
    report = SelfReport(11.5, ready=False, text="waiting for the router")
    assert judge(life, report, 9.0) == (Health.OK, "")
    assert judge(life, report, 12.0) == (
        Health.DEGRADED,
        "not ready after 12 s: waiting for the router",
    )


def test_a_crash_loop_is_unstable_until_it_has_been_up_for_a_minute():
    life = up(failures=2, last_end="killed by SIGSEGV")
    report = SelfReport(30.0, ready=True)
    assert judge(life, report, 30.0) == (
        Health.UNSTABLE,
        "2 unexpected ends in a row; killed by SIGSEGV",
    )
    assert judge(life, SelfReport(60.0, ready=True), 60.0) == (Health.OK, "")
