"""What agents do to be supervised, in processes of their own but without a daemon."""

import os
import re
import signal

import pytest

from ocsd.system import notify
from tests.system.fork_server import supervising
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

AGENT = """
import os, time
from ocsd import ocs_agent, site_config
from ocsd.agent.feeds import freshness

freshness.LEARNING_S, freshness.LEAST_SILENCE_S = 3.0, 3.0

def main(args=None):
    args = site_config.parse_args(agent_class="Probe", args=[])
    agent, runner = ocs_agent.init_site_agent(args)
    agent.register_feed("temperatures", record=True)

    def acq(session, params):
        while session.status == "running":
            if not os.path.exists("mute"):
                sample = {"block_name": "b", "timestamp": time.time(), "data": {"x": 1.0}}
                agent.publish_to_feed("temperatures", sample)
            agent.log.debug("a detail")
            time.sleep(0.2)
        return True, "ended"

    def stop(session, params):
        session.set_status("stopping")

    agent.register_process("acq", acq, stop, startup=True)
    runner.run(agent)
"""


@pytest.fixture
def joined(router):
    """Supervises an agent that has joined."""
    with supervising(router) as fork_server:
        fork_server.probe = fork_server.start(AGENT)
        fork_server.told("READY", "1".__eq__)
        yield fork_server


def test_a_router_that_stands_still_is_noticed_and_so_is_its_return(joined, router):
    os.killpg(router.process.pid, signal.SIGSTOP)
    try:
        text, seconds = joined.told("X_CALL", bool)
    finally:
        os.killpg(router.process.pid, signal.SIGCONT)
    assert re.fullmatch("no answer to a call through the router for [56] s", text)
    assert seconds < 17
    assert joined.told("X_CALL", lambda text: not text)[1] < 10


def test_a_feed_that_falls_silent_is_noticed_and_so_is_its_return(joined):
    assert joined.told("X_OPERATIONS", bool)[0].startswith("acq ")
    joined.told("X_OPERATIONS", "acq 4 s".__eq__)
    (joined.folder / "mute").touch()
    text, _ = joined.told("X_FEEDS", bool)
    assert text.startswith("feed temperatures silent for ")
    assert text.endswith(" s (expected every 1 s)")
    (joined.folder / "mute").unlink()
    joined.told("X_FEEDS", lambda text: not text)


@pytest.mark.parametrize("code", [AGENT, "raise RuntimeError('no such device')\n"])
def test_where_the_code_is_is_told_even_if_it_cannot_be_imported(fork_server, code):
    fork_server.start(code)
    assert fork_server.told("X_CODE", bool)[0] == str(fork_server.agent)


def test_the_level_of_the_log_changes_while_the_agent_runs(joined):
    level = joined.folder / "probe.log.level"
    assert "a detail" not in joined.log()
    level.write_text("debug\n")
    notify.knock(joined.folder / "notify")
    wait_until(lambda: "[debug] a detail" in joined.log(), "details")
    level.unlink()
    notify.knock(joined.folder / "notify")
    wait_until(lambda: "the level of this log is info" in joined.log(), "the usual level")
