"""The router fails; agents go on and join the next one."""

import os
import signal

import psutil
import pytest

from tests.system.faults.lab import HANG_SEEN_S, ROUTER_BACK_S, family, stopped, wait_until
from tests.system.invariants import Watch, is_reachable

pytestmark = pytest.mark.system


@pytest.fixture
def only(centre):
    """Watch everybody else; in the end all of them are joined again."""
    with Watch(centre.site, may_change=["router"]) as watch:
        yield watch
        wait_until(
            lambda: all(row["health"] == "ok" for row in centre.status()["instances"]),
            "all to join",
            ROUTER_BACK_S,
        )
        for name in ("thermo1", "thermo2", "aggregator", "registry"):
            assert is_reachable(centre.site, name)
    centre.has_kept_its_policy("router")


def test_a_killed_router_is_back(centre, only):
    pid = centre.pid("router")
    os.kill(pid, signal.SIGKILL)
    centre.back("router", pid, ROUTER_BACK_S)


def test_a_router_whose_worker_is_killed_is_back(centre, only):
    pid = centre.pid("router")
    (worker,) = psutil.Process(pid).children()
    worker.kill()
    centre.back("router", pid, ROUTER_BACK_S)


@pytest.mark.parametrize("code", [0, 1])
def test_a_router_that_exits_is_back(centre, only, code):
    pid = centre.pid("router")
    centre.exit(pid, code)
    centre.back("router", pid, ROUTER_BACK_S)
    assert centre.ends("router")[-1].code == code


def test_a_router_that_is_stopped_for_a_while_is_told_of_and_goes_on(centre, only):
    pid = centre.pid("router")
    with stopped(*family(pid)) as since_at:
        centre.moment(
            "router", since_at, HANG_SEEN_S, lambda each: each.reason.startswith("hung: ")
        )
        status = centre.status()
        assert (status["router"]["state"], status["router"]["health"]) == ("up", "hung")
        # Nobody can call the agents, whatever they think of themselves.
        assert {row["health"] for row in status["instances"]} == {"degraded"}
        told = centre.site.ocsd("status")
        assert "router hung" in told.stdout.splitlines()[0]
        assert told.returncode == 3
    wait_until(lambda: centre.row("router")["health"] != "hung", "its word", HANG_SEEN_S)
    assert centre.pid("router") == pid


def test_a_router_that_crashes_over_and_over_is_tried_less_and_less_often(centre, only):
    crashes = centre.faults / "crashes"
    crashes.write_text("bin/crossbar")
    before = centre.row("router")["restarts"]
    os.kill(centre.pid("router"), signal.SIGKILL)
    wait_until(
        lambda: (
            centre.row("router")["state"] == "backoff"
            and centre.row("router")["restarts"] - before >= 3
        ),
        "the backoff",
        ROUTER_BACK_S,
    )
    assert "killed" in centre.row("router")["reason"] or "exit" in centre.row("router")["reason"]
    crashes.unlink()
    centre.back("router", None, 2 * ROUTER_BACK_S)
