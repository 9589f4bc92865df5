"""One daemon for each host, also while it becomes another version of itself."""

import os
import signal
import subprocess
import sys

import pytest

from ocsd.daemon import lock
from ocsd.daemon.lock import DaemonLock
from ocsd.errors import DaemonRunningError

# What the successor of a daemon does with the lock that it has got.
SUCCESSOR = """
import os, sys
from pathlib import Path
from ocsd.daemon import lock
given = lock.handed_over()
assert not os.get_inheritable(given)
assert lock.HANDED_OVER not in os.environ
lock.DaemonLock(Path(sys.argv[1]), "lab", given)
print(Path(sys.argv[1]).read_text().strip(), flush=True)
sys.stdin.read()
"""

HOLDER = """
import sys, time
from pathlib import Path
from ocsd.daemon.lock import DaemonLock
held = DaemonLock(Path(sys.argv[1]), "lab")
print("held", flush=True)
time.sleep(1000)
"""


def test_a_second_daemon_is_refused_and_told_who_holds_the_lock(tmp_path):
    held = DaemonLock(tmp_path / "pid", "lab")
    with pytest.raises(DaemonRunningError, match=f"pid {os.getpid()}") as caught:
        DaemonLock(tmp_path / "pid", "lab")
    assert "ocsd status --host lab" in str(caught.value)
    assert "ocsd stop" not in str(caught.value)
    assert held


def test_a_lock_that_is_handed_over_is_never_free(tmp_path):
    path = tmp_path / "pid"
    held = DaemonLock(path, "lab")
    added = held.hand_over()
    successor = subprocess.Popen(
        [sys.executable, "-c", SUCCESSOR, str(path)],
        env={**os.environ, **added},
        pass_fds=[int(each) for each in added.values()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert successor.stdout.readline().strip() == str(successor.pid)
    os.close(int(added[lock.HANDED_OVER]))  # as if this process had ended
    with pytest.raises(DaemonRunningError, match=f"pid {successor.pid}"):
        DaemonLock(path, "lab")
    successor.communicate(timeout=20)
    assert successor.returncode == 0
    assert DaemonLock(path, "lab")


def test_a_lock_of_another_host_is_let_go(tmp_path):
    other = DaemonLock(tmp_path / "other", "other")
    given = int(other.hand_over()[lock.HANDED_OVER])
    assert DaemonLock(tmp_path / "pid", "lab", given)
    assert DaemonLock(tmp_path / "other", "other")


@pytest.mark.parametrize("given", ["", "x", "9999"])
def test_nonsense_in_the_environment_is_no_lock(monkeypatch, given):
    monkeypatch.setenv(lock.HANDED_OVER, given)
    assert lock.handed_over() is None
    assert lock.HANDED_OVER not in os.environ


def test_a_daemon_that_ends_everything_is_waited_for(tmp_path):
    held = DaemonLock(tmp_path / "lock", "lab")
    held.stopping()
    with pytest.raises(DaemonRunningError, match=f"pid {os.getpid()}\\) is stopping everything"):
        DaemonLock(tmp_path / "lock", "lab")


def test_a_daemon_that_is_stopped_itself_is_named_with_what_to_do(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        advice = f"is stopped \\(state T\\): kill -CONT {holder.pid} lets it"
        with pytest.raises(DaemonRunningError, match=advice):
            DaemonLock(tmp_path / "lock", "lab")
    finally:
        holder.kill()
        holder.communicate()
