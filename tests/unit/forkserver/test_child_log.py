"""An agent starts even where its log cannot be."""

import errno
import os

import pytest

from ocsd.forkserver import child


@pytest.fixture
def refuse(monkeypatch):
    """Let the log not be opened, for a reason."""
    real = os.open

    def refuse(number):
        def opened(path, *args):
            if path == "/logs/probe.log":
                raise OSError(number, os.strerror(number))
            return real(path, *args)

        monkeypatch.setattr(child.os, "open", opened)

    return refuse


def test_a_full_disk_costs_the_log_and_not_the_agent(refuse):
    refuse(errno.ENOSPC)
    descriptor = child._opened("/logs/probe.log")
    assert os.readlink(f"/proc/self/fd/{descriptor}") == os.devnull
    os.close(descriptor)


def test_a_log_that_may_not_be_written_is_refused(refuse):
    refuse(errno.EACCES)
    with pytest.raises(PermissionError):
        child._opened("/logs/probe.log")
