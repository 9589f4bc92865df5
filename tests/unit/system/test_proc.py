"""The state of processes, as the kernel reports it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ocsd.system import proc
from tests.unit.system.dying import dying


@pytest.fixture
def stopped():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    yield process.pid
    process.kill()
    process.communicate()


@pytest.fixture
def zombie():
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


def test_an_entry_has_the_group_the_session_and_the_start():
    own = proc.entry_of(os.getpid())
    assert (own.group, own.session) == (os.getpgrp(), os.getsid(0))
    assert own.start_ticks == proc.start_ticks(os.getpid()) > 0
    assert not own.has_ended
    assert own._replace(state="S") in {each._replace(state="S") for each in proc.entries()}


def test_a_zombie_has_ended(zombie):
    assert proc.entry_of(zombie).has_ended
    assert proc.start_ticks(zombie) == 0


def test_a_process_has_ended_when_its_last_thread_has(tmp_path):
    with dying(tmp_path / "lock") as process:
        entry = proc.entry_of(process.pid)
        assert (entry.state, entry.has_ended) == ("Z", False)
        assert proc.is_dying(process.pid)
        assert proc.start_ticks(process.pid) == entry.start_ticks
    assert proc.is_dying(process.pid)
    assert not proc.is_dying(os.getpid())


def test_a_stopped_process_is_reported_with_the_way_out(stopped):
    way_out = f"it is stopped (SIGSTOP); `kill -CONT {stopped}` lets it go on"
    assert proc.what_holds(stopped) == way_out
    way_out = f"is stopped (state T): kill -CONT {stopped} lets it go on"
    assert proc.why_silent(stopped) == way_out


def test_nothing_holds_a_process_that_runs_or_is_gone():
    assert proc.what_holds(os.getpid()) == proc.why_silent(os.getpid()) == ""
    assert proc.what_holds(2**22 + 1) == ""
    assert proc.entry_of(2**22 + 1) is None
    assert proc.start_ticks(2**22 + 1) == 0


def test_the_usage_is_that_which_psutil_reports():
    process = psutil.Process()
    begun_s = time.process_time()
    while time.process_time() - begun_s < 0.05:
        pass
    used, times = proc.usage_of(os.getpid()), process.cpu_times()
    assert used.start_ticks == proc.start_ticks(os.getpid())
    assert used.cpu_s == pytest.approx(times.user + times.system, abs=0.1)
    assert used.rss_bytes == pytest.approx(process.memory_info().rss, rel=0.1)


def test_a_process_that_is_gone_uses_nothing():
    assert proc.usage_of(2**22 + 1) is None
