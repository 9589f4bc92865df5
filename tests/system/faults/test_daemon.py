"""The daemon or the fork server fails.

For what is killed see tests/system/supervision/test_survival.py.
"""

import os
import signal
import time

import psutil
import pytest

from ocsd.daemon.children.asking import QUESTION_PERIOD_S
from ocsd.daemon.children.forkserver_link import GREETING_LIMIT_S
from tests.system.faults.lab import AGENT_BACK_S, is_gone, stopped, wait_until
from tests.system.invariants import Watch

pytestmark = pytest.mark.system

HELD_UP_S = 12.0
"""Longer than the silence that calls an agent hung; the stimulus is a duration."""


@pytest.fixture
def only(centre):
    with Watch(centre.site) as watch:
        yield watch


def end(centre, pid, how):
    """End a process by an exit code, or by SIGKILL."""
    if how is signal.SIGKILL:
        os.kill(pid, how)
    else:
        centre.exit(pid, how)
    wait_until(lambda: is_gone(pid), "its end", AGENT_BACK_S)


@pytest.mark.parametrize("how", [0, 1, 125])
def test_a_daemon_that_exits_costs_nobody_anything(centre, only, how):
    end(centre, centre.pid("ocsd"), how)
    centre.start()


def test_a_daemon_that_crashes_over_and_over_costs_nobody_anything(centre, only):
    for how in (1, signal.SIGKILL, 1):
        end(centre, centre.pid("ocsd"), how)
        centre.start()


def test_a_daemon_that_was_stopped_blames_nobody_for_it(centre, only):
    daemon = centre.pid("ocsd")
    before = len(list(centre.entries("thermo1")))
    since_s = time.monotonic()
    with stopped(daemon):
        refused = centre.site.ocsd("status")
        assert refused.returncode == 75
        wait_until(lambda: psutil.Process(daemon).status() == "stopped", "the stop")
        time.sleep(
            since_s + HELD_UP_S - time.monotonic()
        )  # nothing to wait for: what matters is how long it lasts
    centre.is_whole()
    assert len(list(centre.entries("thermo1"))) == before
    log = (centre.site.folder / "log" / "lab" / "ocsd.log").read_text()
    assert "this daemon was held up for" in log


@pytest.mark.parametrize("how", [0, 1, 125])
def test_a_fork_server_that_exits_is_followed_by_another(centre, how):
    old = centre.fork_server
    with Watch(centre.site, may_change=["thermo2"]):
        end(centre, old, how)
        wait_until(lambda: _next(centre, old), "the next fork server", AGENT_BACK_S)
        assert centre.site.ocsd("restart", "thermo2").returncode == 0


def _next(centre, old):
    try:
        return centre.fork_server not in {None, old}
    except StopIteration:
        return False


def test_a_fork_server_that_crashes_over_and_over_is_followed_by_another(centre, only):
    for how in (1, signal.SIGKILL, 1):
        old = centre.fork_server
        end(centre, old, how)
        wait_until(lambda old=old: _next(centre, old), "the next fork server", AGENT_BACK_S)


def test_what_waits_for_a_fork_server_that_is_stopped_says_so(centre):
    pid = centre.pid("thermo1")
    with Watch(centre.site, may_change=["thermo1"]):
        with stopped(centre.fork_server):
            os.kill(pid, signal.SIGKILL)
            # A question each 5 s, and 5 s for its answer.
            wait_until(
                lambda: "fork server has not answered" in centre.status()["trouble"],
                "the trouble",
                QUESTION_PERIOD_S + GREETING_LIMIT_S + AGENT_BACK_S,
            )
            told = centre.site.ocsd("status").stdout
            assert "trouble: the fork server has not answered" in told
            assert centre.row("thermo2")["health"] == "ok"
        centre.back("thermo1", pid, AGENT_BACK_S)
        wait_until(lambda: not centre.status()["trouble"], "the end of the trouble", AGENT_BACK_S)
