"""What a dead process left in its group and session is ended, and nobody else."""

import os
import select
import signal
import subprocess
import sys

import pytest

from ocsd.forkserver.protocol import Spawned
from ocsd.forkserver.remains import kill_remains
from ocsd.system.proc import start_ticks

LEADER = """
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
same = subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL)
other = subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL, process_group=0)
os.kill(same.pid, signal.SIGSTOP)
print(same.pid, other.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def leader():
    with subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        children = [int(pid) for pid in process.stdout.readline().split()]
        yield process, Spawned("a", process.pid, start_ticks(process.pid)), children
        process.kill()
        process.wait()
        for pid in children:
            if start_ticks(pid):
                os.kill(pid, signal.SIGKILL)


def lives(pid):
    return start_ticks(pid) != 0


@pytest.mark.parametrize("reaped", [False, True])
def test_stopped_children_and_those_of_another_group_are_ended(leader, reaped):
    process, spawned, children = leader
    process.kill()
    if reaped:
        process.wait()
    else:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert all(map(lives, children))
    watched = [os.pidfd_open(pid) for pid in children]
    kill_remains(spawned)
    for each in watched:
        assert select.select([each], [], [], 10)[0], "it goes on"
        os.close(each)
    assert not any(map(lives, children))


def test_nobody_is_ended_while_the_leader_lives_or_another_has_its_number(leader):
    _, spawned, children = leader
    kill_remains(spawned)
    kill_remains(Spawned("a", spawned.pid, spawned.start_ticks - 1))
    assert all(map(lives, [spawned.pid, *children]))
