"""What the kernel tells of a process that does not answer."""

import os
import signal
import subprocess
import sys

import pytest

from ocsd.system.proc import what_holds, why_silent


@pytest.fixture
def stopped():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    yield process.pid
    process.kill()
    process.communicate()


def test_a_stopped_process_is_told_as_that_with_the_way_out(stopped):
    assert what_holds(stopped) == (f"it is stopped (SIGSTOP); `kill -CONT {stopped}` lets it go on")
    assert why_silent(stopped).startswith(f"is stopped (state T): kill -CONT {stopped}; or ")


def test_nobody_holds_a_process_that_runs_or_is_gone():
    assert what_holds(os.getpid()) == why_silent(os.getpid()) == ""
    assert what_holds(2**22 + 1) == ""
