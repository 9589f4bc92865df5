"""Agents whose heartbeats their daemon hears report changes only."""

import os
import signal
import time

import pytest

from ocsd.supervisor.health import REACTOR_SILENCE_LIMIT_S
from ocsd.system.notify import HEARTBEATS_HEARD
from tests.system.conftest import fake_agent
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system


def test_a_router_that_stands_still_makes_no_agent_look_hung(site, router):
    names = ["thermo1", "thermo2"]
    site.write(*[fake_agent(name, mode="idle") for name in names])
    site.bring_up()
    socket = site.folder / "run" / "lab" / "notify.sock"

    def are_heard():
        return bool(socket.stat().st_mode & HEARTBEATS_HEARD)

    wait_until(are_heard, "the daemon to hear the heartbeats", 40)
    os.killpg(router.process.pid, signal.SIGSTOP)
    stopped_s = time.monotonic()
    try:
        wait_until(lambda: not are_heard(), "the daemon to want reports", REACTOR_SILENCE_LIMIT_S)
        while time.monotonic() < stopped_s + REACTOR_SILENCE_LIMIT_S + 2:
            assert "hung" not in {site.instance(name)["health"] for name in names}
            time.sleep(0.2)
    finally:
        os.killpg(router.process.pid, signal.SIGCONT)
