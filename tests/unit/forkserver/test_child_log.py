"""An agent starts even where its log cannot be."""

import errno
import os

import pytest

from ocsd.forkserver import streams


@pytest.fixture
def refuse(monkeypatch):
    """Let the log not be opened, for a reason."""
    real = os.open

    def refuse(number):
        def opened(path, *args):
            if path == "/logs/probe.log":
                raise OSError(number, os.strerror(number))
            return real(path, *args)

        monkeypatch.setattr(streams.os, "open", opened)

    return refuse


def test_a_full_disk_costs_the_log_and_not_the_agent(refuse):
    refuse(errno.ENOSPC)
    descriptor = streams._opened("/logs/probe.log")
    assert os.readlink(f"/proc/self/fd/{descriptor}") == os.devnull
    os.close(descriptor)


def test_a_log_that_may_not_be_written_is_refused(refuse):
    refuse(errno.EACCES)
    with pytest.raises(PermissionError):
        streams._opened("/logs/probe.log")


def test_the_fork_server_knows_a_log_and_whether_its_children_can_open_it(tmp_path):
    log = tmp_path / "probe.log"
    assert streams.state_of_log(str(log)) == (log.stat().st_ino, 0)
    log.write_text("old")
    assert streams.state_of_log(str(log)) == (log.stat().st_ino, 3)
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "none" / "probe.log"):
        with pytest.raises(OSError, match=r"directory|device"):
            streams.state_of_log(str(path))


def test_a_full_disk_does_not_keep_the_fork_server_from_starting_anything(refuse):
    refuse(errno.ENOSPC)
    assert streams.state_of_log("/logs/probe.log") == (0, 0)
