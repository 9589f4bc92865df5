"""`ocsd stop --unit`, which systemd runs as ExecStop."""

import os
import signal
import subprocess
import sys

import pytest

from ocsd.cli.systemd import unit_job
from tests.unit.cli.stand_in_daemon import instance
from tests.unit.cli.stand_in_forkserver import StandInServer

UNIT = "ocsd.service"


@pytest.fixture
def daemon():
    """A process in the daemon's place."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


@pytest.fixture
def systemctl(ocsd):
    """Return a function that puts a program in systemctl's place."""
    folder = ocsd.base / "bin"
    folder.mkdir()

    def replace(script):
        program = folder / "systemctl"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}

    return replace


def test_the_daemon_alone_ends_when_its_unit_is_restarted(ocsd, daemon_of, daemon, systemctl):
    server = daemon_of("grumpy", instance("a"))
    path = systemctl(
        f'[ "$*" = "list-jobs --plain --no-legend {UNIT}" ] && echo "30 {UNIT} restart running"'
    )
    done = ocsd("stop", "--unit", UNIT, MAINPID=str(daemon.pid), **path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{UNIT} is being restarted: its agents run on\n"
    assert daemon.wait(10) == -signal.SIGQUIT
    assert server.requests == []


@pytest.mark.parametrize("jobs", [f"echo '45 {UNIT} stop running'", "true", "exit 1"])
def test_everything_ends_when_the_unit_is_stopped_or_unreachable(
    ocsd, daemon_of, daemon, systemctl, jobs
):
    daemon_of("dopey", instance("b"))  # of another unit
    server = daemon_of("grumpy", instance("a"))
    server.status["pid"] = daemon.pid
    server.streams["/v1/stop"] = [{"event": "stopped", "took_s": 0.4}]
    server.after["/v1/stop"] = daemon.stdin.close
    done = ocsd("stop", "--unit", UNIT, MAINPID=str(daemon.pid), **systemctl(jobs))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("grumpy: stopped in ")
    assert server.requests == [("/v1/stop", {})]


def test_nothing_is_done_if_the_daemon_has_ended_by_itself(ocsd, daemon_of):
    server = daemon_of("dopey", instance("b"))
    done = ocsd("stop", "--unit", UNIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert server.requests == []


def test_a_silent_daemon_is_ended_and_then_its_leftovers(ocsd, daemon, systemctl):
    for host, pid in (("grumpy", daemon.pid), ("dopey", daemon.pid + 1)):
        (ocsd.runtime / host).mkdir()
        (ocsd.runtime / host / "ocsd.pid").write_text(f"{pid}\n")
    left = StandInServer(ocsd.runtime / "grumpy" / "fork.sock", "thermo1")
    other = StandInServer(ocsd.runtime / "dopey" / "fork.sock", "thermo2")
    done = ocsd("stop", "--unit", UNIT, MAINPID=str(daemon.pid), **systemctl("true"))
    assert done.returncode == 0
    assert f"the daemon (pid {daemon.pid}) does not answer" in done.stderr
    assert done.stdout.startswith("grumpy: no daemon was running; ended what it had left: thermo1")
    assert daemon.wait(10) == -signal.SIGQUIT
    left.join()
    assert other.requests == []
    assert ocsd("stop", "--host", "dopey").returncode == 0
    other.join()


def test_a_daemon_that_is_stuck_is_made_to_leave_by_force():
    stuck = "import signal; signal.signal(signal.SIGQUIT, signal.SIG_IGN); print(1, flush=True)"
    daemon = subprocess.Popen(
        [sys.executable, "-c", f"{stuck}; input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    daemon.stdout.readline()
    unit_job.make_leave(daemon.pid, limit_s=0.05)
    assert daemon.wait(10) == -signal.SIGKILL
    daemon.communicate()


def test_a_daemon_that_is_gone_needs_no_push(daemon):
    daemon.kill()
    daemon.wait()
    unit_job.make_leave(daemon.pid)
    assert daemon.returncode == -signal.SIGKILL
