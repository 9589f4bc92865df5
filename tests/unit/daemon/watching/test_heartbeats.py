"""Heartbeats that the daemon hears for its agents."""

import stat

import pytest

from ocsd.daemon.children.notifications import NotifySocket
from ocsd.daemon.watching.heartbeats import HeartbeatWatch
from ocsd.supervisor.health import Health
from ocsd.system.notify import hears_heartbeats, receiver_finder
from tests.unit.daemon.timers import cancel_timers
from tests.unit.daemon.watching.test_watches import World


class Site:
    """One agent, the heartbeats that are heard, and what its supervisor shows."""

    def __init__(self, folder, clock):
        self.world = World(folder, clock)
        self.keeper = self.world.keeper
        self.keeper.notified({"READY": "1", "WATCHDOG": "1", "X_SESSION": "1.5"})
        self.clock = clock
        self.heard = {}
        self.shown = []
        self.heartbeats = HeartbeatWatch(
            self.world.fleet, lambda: self.heard, self.shown.append, clock
        )

    def pass_s(self, seconds, session_id=None):
        """Let time pass, with a round and a heartbeat of a session each second."""
        for _ in range(seconds):
            self.clock.advance(1)
            if session_id:
                self.heard[session_id] = self.clock.seconds() - 0.1
            self.heartbeats.check()


@pytest.fixture
def site(tmp_path, clock):
    yield Site(tmp_path, clock)
    cancel_timers(clock)


def test_an_agent_that_only_sends_heartbeats_is_well(site):
    site.heartbeats.check()
    site.pass_s(60, "1.5")
    assert site.shown == [False] * 10 + [True] * 51
    assert site.keeper.verdict.health is Health.OK


def test_an_agent_whose_heartbeats_end_is_hung_as_soon_as_one_whose_reports_end(site):
    site.pass_s(60, "1.5")
    site.pass_s(6)
    assert site.shown[-1] is False
    assert site.keeper.verdict.health is Health.OK
    site.pass_s(5)
    assert site.keeper.verdict.health is Health.HUNG


def test_heartbeats_of_a_namesake_do_not_count(site):
    site.pass_s(12, "another life")
    assert set(site.shown) == {False}
    assert site.keeper.verdict.health is Health.HUNG


class Readers:
    """A reactor that only remembers."""

    def addReader(self, reader):
        self.reader = reader

    def removeReader(self, reader):
        del self.reader


def test_agents_see_at_the_socket_whether_they_are_heard(tmp_path, monkeypatch):
    path = tmp_path / "notify.sock"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    receiver = receiver_finder()
    notify = NotifySocket(Readers(), path, lambda *_: None)
    assert not hears_heartbeats(receiver())
    notify.open()
    try:
        assert not hears_heartbeats(receiver())
        notify.show(True)
        assert hears_heartbeats(receiver())
        assert stat.S_IMODE(path.stat().st_mode) & 0o666 == 0o666
        notify.show(False)
        assert not hears_heartbeats(receiver())
        notify.show(True)
        path.unlink()
        notify.show(False)
        notify.open()
        assert not hears_heartbeats(receiver())
        notify.show(True)
        assert hears_heartbeats(receiver())
    finally:
        notify.close()
