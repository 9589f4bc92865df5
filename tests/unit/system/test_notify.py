"""What a process tells its supervisor arrives, whatever state the process is in."""

import os
import resource
import socket
import time

import pytest

from ocsd.agent.wellbeing import this_process
from ocsd.system.notify import Delivery, decode, encode, notify, receiver_finder


@pytest.fixture
def supervisor(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(tmp_path / "notify"))
        ears.settimeout(10)
        yield ears


@pytest.fixture
def nothing_left():
    """A process that has opened as much as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some are free: the socket to the supervisor takes one.
    limit = 8 + max(int(each) for each in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    used = []

    def use_up():
        try:
            while True:
                used.append(os.dup(0))
        except OSError:
            return limit

    yield use_up
    for each in used:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_without_descriptors_still_says_that_it_lives(supervisor, nothing_left):
    assert notify(READY=1) is Delivery.DONE
    assert this_process.shortage() == ""
    limit = nothing_left()
    assert notify(WATCHDOG=1) is Delivery.DONE
    assert this_process.shortage() == f"out of descriptors ({limit} of {limit} are open)"
    assert [supervisor.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]


def test_a_forked_process_speaks_through_a_socket_of_its_own(supervisor):
    notify(READY=1)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            # As the fork server's children do it: the numbers may then be anybody's.
            os.closerange(3, 1000)
            devices = [os.open(os.devnull, os.O_RDONLY) for _ in range(100)]
            code = 0 if notify(WATCHDOG=1) is Delivery.DONE and all(map(os.fstat, devices)) else 2
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0) == (pid, 0)
    assert [supervisor.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]


def test_only_a_line_feed_ends_an_assignment():
    fields = {"STATUS": "one\u2028two\rthree\x85four", "READY": "1"}
    assert decode(encode(fields)) == fields


def test_a_new_supervisor_is_another_receiver_even_if_its_socket_has_the_same_number(
    tmp_path, monkeypatch
):
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    receiver = receiver_finder()
    assert receiver() is None
    found = []
    for _ in range(20):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(str(path))
            found.append(receiver())
            assert receiver() == found[-1]
        path.unlink()
        time.sleep(0.01)  # the clock of a file system is coarse
    assert len(set(found)) == 20
