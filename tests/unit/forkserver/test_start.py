"""A fork server as a fork of the process that starts it."""

import errno
import os
import signal

import pytest

from ocsd.errors import ForkServerError
from ocsd.forkserver import start


def test_a_fork_server_whose_end_nobody_tells_has_ended():
    """The daemon inherits it when who starts it ignores SIGCHLD."""
    usual = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        server = start._ForkedServer(pid, None)
        assert server.wait() == 0
        server.kill()
    finally:
        signal.signal(signal.SIGCHLD, usual)


def test_that_there_is_no_room_for_another_process_is_told(monkeypatch):
    def no_room():
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(start.os, "fork", no_room)
    monkeypatch.setattr(start.Loading, "make_ready", lambda *_, **__: None)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(ForkServerError, match="Resource temporarily unavailable; look for what"):
        start.forked()
    assert set(os.listdir("/proc/self/fd")) == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
