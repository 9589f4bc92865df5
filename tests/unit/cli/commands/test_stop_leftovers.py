"""`ocsd stop` where a daemon has died and its fork server goes on."""

import fcntl
import signal

import pytest

from ocsd.forkserver.protocol import EndRequest, KillRequest
from tests.unit.cli.stand_in_forkserver import StandInServer


@pytest.fixture
def left(ocsd):
    """What the dead daemon of host grumpy has left."""
    names = ("router", "thermo1", "thermo2")
    return StandInServer(ocsd.runtime / "grumpy" / "fork.sock", *names)


def test_what_is_left_is_ended_and_the_router_last(ocsd, left):
    done = ocsd("stop")
    left.join()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "grumpy: no daemon was running; ended what it had left: router, thermo1, thermo2\n"
    )
    assert left.requests == [
        KillRequest("thermo1", 101, signal.SIGINT),
        KillRequest("thermo2", 102, signal.SIGINT),
        KillRequest("router", 100, signal.SIGINT),
        EndRequest(),
    ]


def test_nothing_is_ended_while_a_daemon_starts(ocsd, left):
    with (ocsd.runtime / "grumpy" / "ocsd.pid").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = ocsd("stop", "--host", "grumpy")
    assert done.returncode == 1
    assert "starting or stuck" in done.stderr
    assert left.requests == []
    assert ocsd("stop", "--host", "grumpy").returncode == 0
    left.join()


def test_another_host_is_left_alone(ocsd, left):
    assert ocsd("stop", "--host", "dopey").returncode == 69
    assert left.requests == []
    assert ocsd("stop").returncode == 0
    left.join()
