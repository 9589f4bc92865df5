"""The aggregator fails; agents go on, and what they publish meanwhile is kept."""

import os
import signal

import pytest

from tests.system.faults.lab import AGENT_BACK_S, HANG_SEEN_S, stopped, wait_until
from tests.system.invariants import Watch

pytestmark = pytest.mark.system


@pytest.fixture
def only(centre):
    with Watch(centre.site, may_change=["aggregator"]) as watch:
        yield watch
    centre.has_kept_its_policy("aggregator")


def test_a_killed_aggregator_is_back(centre, only):
    pid = centre.pid("aggregator")
    os.kill(pid, signal.SIGKILL)
    centre.back("aggregator", pid, AGENT_BACK_S)


@pytest.mark.parametrize("code", [0, 1])
def test_an_aggregator_that_exits_is_back(centre, only, code):
    pid = centre.pid("aggregator")
    centre.exit(pid, code)
    centre.back("aggregator", pid, AGENT_BACK_S)
    assert centre.ends("aggregator")[-1].code == code


def test_an_aggregator_that_crashes_over_and_over_comes_back(centre, only):
    for _ in range(4):
        pid = centre.pid("aggregator")
        centre.exit(pid, 1)
        # One of these was preceded by others: 4 s of backoff at most.
        centre.back("aggregator", pid, 5 + AGENT_BACK_S)
    assert centre.row("aggregator")["health"] == "unstable"


def test_an_aggregator_that_exits_with_125_stays_down_until_it_is_asked_for(centre, only):
    centre.exit(centre.pid("aggregator"), 125)
    wait_until(lambda: centre.row("aggregator")["state"] == "failed", "its end", AGENT_BACK_S)
    assert centre.site.ocsd("up", "aggregator").returncode == 0


def test_an_aggregator_that_is_stopped_for_a_while_goes_on(centre, only):
    pid = centre.pid("aggregator")
    with stopped(pid) as since_at:
        centre.moment(
            "aggregator", since_at, HANG_SEEN_S, lambda each: each.reason.startswith("hung: ")
        )
    wait_until(lambda: centre.row("aggregator")["health"] == "ok", "its word", AGENT_BACK_S)
    assert centre.pid("aggregator") == pid
