"""The router fails, or its port is taken; agents go on and join the next one.

For a broken site file on reload see tests/system/supervision/test_reload.py.
"""

import os
import signal
import socket

import psutil
import pytest

from tests.system.faults.lab import (
    AGENT_BACK_S,
    HANG_SEEN_S,
    ROUTER_BACK_S,
    a_lab,
    family,
    faulty,
    stopped,
    wait_until,
)
from tests.system.invariants import Watch, is_reachable

pytestmark = pytest.mark.system


def taken(port):
    """Listen on a port, as another program does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


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


@pytest.mark.parametrize("code", [0, 1])
def test_a_router_that_exits_is_back(centre, only, code):
    pid = centre.pid("router")
    centre.exit(pid, code)
    centre.back("router", pid, ROUTER_BACK_S)
    assert centre.ends("router")[-1].code == code


def test_a_router_that_exits_with_125_stays_down_until_it_is_asked_for(centre, only):
    centre.exit(centre.pid("router"), 125)
    wait_until(lambda: centre.row("router")["state"] == "failed", "its end", AGENT_BACK_S)
    assert centre.site.ocsd("up", "router").returncode == 0


def test_a_router_whose_worker_is_killed_is_back(centre, only):
    pid = centre.pid("router")
    (worker,) = psutil.Process(pid).children()
    worker.kill()
    centre.back("router", pid, ROUTER_BACK_S)


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
    crashes.write_text("crossbar_node")
    before = centre.row("router")["restarts"]
    os.kill(centre.pid("router"), signal.SIGKILL)
    wait_until(
        lambda: (
            (row := centre.row("router"))["state"] == "backoff" and row["restarts"] - before >= 2
        ),
        "the backoff",
    )
    assert centre.ends("router")[-1].code == 1
    crashes.unlink()
    centre.back("router", None, 2 * ROUTER_BACK_S)


def test_a_router_whose_port_is_taken_while_it_is_away_says_by_whom(centre, only):
    # Kept away until somebody else has its port.
    crashes = centre.faults / "crashes"
    crashes.write_text("crossbar_node")
    os.kill(centre.pid("router"), signal.SIGKILL)
    wait_until(lambda: centre.row("router")["state"] == "backoff", "the router's absence")
    with taken(centre.site.port):
        crashes.unlink()
        wait_until(
            lambda: f"in use by pid {os.getpid()}" in centre.ends("router")[-1].reason, "a try"
        )
        assert centre.site.ocsd("status").returncode == 3
    # It would come back by itself; an operator need not wait for it.
    assert centre.site.ocsd("up", "router").returncode == 0
    assert centre.row("router")["state"] == "up"


def test_a_start_is_refused_that_names_who_has_the_port():
    with a_lab() as lab, taken(lab.site.port):
        lab.write(faulty("thermo1"))
        begun = lab.site.ocsd("start", "-d", "--site-file", lab.site.file, "--host", "lab")
        assert begun.returncode == 78
        assert f"in use by pid {os.getpid()}" in begun.stderr
        assert lab.site.processes() == []
