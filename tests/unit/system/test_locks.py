"""A lock is free again in a moment if its holder was killed, and is not waited for if it lives."""

import os
import time
from types import SimpleNamespace

import pytest

from ocsd.aggregator.disk.lock import Lock
from ocsd.cli.talk import leftovers
from ocsd.daemon.lock import DaemonLock
from ocsd.errors import DaemonRunningError, DataFolderError
from ocsd.system import locks, paths
from tests.unit.system.dying import dying


@pytest.fixture
def during_wait(monkeypatch):
    """What a test calls this with happens while a lock is waited for."""

    def set_action(action):
        of_time = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: action())
        monkeypatch.setattr(locks, "time", of_time)

    return set_action


def refuse_to_wait():
    raise AssertionError("it waits")


def test_ocsd_start_waits_for_a_daemon_that_is_dying(tmp_path, during_wait):
    with dying(tmp_path / "lock") as holder:
        during_wait(holder.communicate)
        assert DaemonLock(tmp_path / "lock", "lab")
        assert holder.returncode == 0


def test_ocsd_stop_waits_for_a_daemon_that_is_dying(tmp_path, during_wait, monkeypatch):
    for kind in ("RUNTIME", "STATE", "LOGS"):
        monkeypatch.setenv(f"{kind}_DIRECTORY", str(tmp_path / kind))
    places = paths.of_host("lab")
    places.create()
    with dying(places.pid_file) as holder:
        during_wait(holder.communicate)
        assert leftovers.end(places) == []
        assert holder.returncode == 0


def test_a_recorder_that_is_dying_is_waited_for(tmp_path, during_wait):
    (tmp_path / "ocsd").mkdir()
    with dying(tmp_path / "ocsd/lock") as holder:
        during_wait(holder.communicate)
        Lock(tmp_path).release()
        assert holder.returncode == 0


def test_a_process_that_does_not_get_on_with_dying_is_named_after_a_second(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "DYING_S", 0.05)
    with dying(tmp_path / "lock") as holder:
        assert _words(tmp_path / "lock") == [str(holder.pid)]


def test_a_living_holder_is_not_waited_for(tmp_path, during_wait):
    during_wait(refuse_to_wait)
    (tmp_path / "ocsd").mkdir()
    held = DaemonLock(tmp_path / "lock", "lab"), Lock(tmp_path)
    with pytest.raises(DaemonRunningError, match=f"pid {os.getpid()};"):
        DaemonLock(tmp_path / "lock", "lab")
    with pytest.raises(DataFolderError, match=f"by pid {os.getpid()};"):
        Lock(tmp_path)
    assert held


@pytest.mark.parametrize("text", ["", "x", "\n", "\u00b2"])
def test_a_holder_without_a_pid_is_not_waited_for(tmp_path, during_wait, text):
    during_wait(refuse_to_wait)
    with (tmp_path / "lock").open("w+", encoding="utf-8") as held:
        assert locks.take(held.fileno()) is None
        held.write(text)
        held.flush()
        assert _words(tmp_path / "lock") is not None


def _words(path):
    with path.open("a+") as file:
        return locks.take(file.fileno())
