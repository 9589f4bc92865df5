"""What a process that hangs was doing: it tells all its stacks, however it was started."""

import os
import re
import signal
import subprocess
import sys

import pytest

from ocsd.forkserver import published
from ocsd.forkserver.protocol import Ended
from tests.system.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.system

HANGS = """
import os, re, signal, time

def main(args=None):
    print("here it is", flush=True)
    {hang}
    print("it goes on", flush=True)
"""
SLEEP = "while not os.path.exists('go'): time.sleep(0.05)"
HOLD_THE_LOCK = "re.match('(a+)+$', 'a' * 40 + 'b')"


def tells_where(log, agent):
    """Whether a log has the place in which an agent hangs, or still says that it begins to."""
    return re.search(rf'{re.escape(str(agent))}", line [56] in main', log)


@pytest.mark.parametrize("hang", [SLEEP, HOLD_THE_LOCK], ids=["sleeps", "holds the GIL"])
def test_a_process_tells_all_its_stacks_and_goes_on(fork_server, hang):
    process = fork_server.start(HANGS.format(hang=hang))
    wait_until(lambda: "here it is" in fork_server.log(), "the agent")
    process.send_signal(signal.SIGQUIT)
    wait_until(lambda: tells_where(fork_server.log(), fork_server.agent), "the stacks")
    assert "Current thread" in fork_server.log() or "Thread 0x" in fork_server.log()
    assert "lookout.py" in fork_server.log()
    assert process.is_running()
    if hang is SLEEP:
        (fork_server.folder / "go").touch()
        assert fork_server.hears(Ended).code == 0
        assert "it goes on" in fork_server.log()


def test_an_agent_that_is_started_from_scratch_tells_its_stacks_too(fork_server):
    (fork_server.folder / "ocs_plugin_probe.py").write_text(
        "agents = {'Probe': {'module': 'probe', 'fork_safe': False}}\n"
    )
    folders = os.pathsep.join(filter(None, [str(fork_server.folder), os.environ.get("PYTHONPATH")]))
    process = fork_server.start(HANGS.format(hang=SLEEP), environment={"PYTHONPATH": folders})
    wait_until(lambda: "here it is" in fork_server.log(), "the agent")
    process.send_signal(signal.SIGQUIT)
    wait_until(lambda: tells_where(fork_server.log(), fork_server.agent), "the stacks")
    (fork_server.folder / "go").touch()
    assert fork_server.hears(Ended).code == 0


@pytest.mark.parametrize("runtime", ["foreground", "published"])
def test_other_ways_to_run_an_agent_tell_their_stacks_too(tmp_path, runtime):
    (tmp_path / "probe.py").write_text(HANGS.format(hang=SLEEP))
    (tmp_path / "ocs").mkdir()
    (tmp_path / "ocs" / "__init__.py").write_text("")
    (tmp_path / "ocs" / "agent_cli.py").write_text(
        "from probe import main\ndef build_agent_list(): return ['Probe']\n"
    )
    command = {
        "foreground": ["-m", "ocsd.forkserver.foreground", "probe.py"],
        "published": [published.__file__, "Probe"],
    }
    folders = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command[runtime]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": folders},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: "here it is" in (tmp_path / "log").read_text(), "the agent")
        process.send_signal(signal.SIGQUIT)
        wait_until(lambda: tells_where((tmp_path / "log").read_text(), "probe.py"), "the stacks")
        (tmp_path / "go").touch()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
