"""systemd is told what is the case, and hears from the daemon only while its reactor turns."""

import os
import socket

import pytest

from ocsd.daemon.api.systemd import SystemdLink
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.site.model import Instance
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.notify import Delivery, decode, notify
from tests.unit.daemon.timers import cancel_timers


class Systemd:
    """The other end of the notify socket."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def heard(self):
        """Return all that was said since the last time."""
        said = []
        while True:
            try:
                said.append(decode(self._socket.recv(4096)))
            except BlockingIOError:
                return said

    def close(self):
        self._socket.close()


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    systemd = Systemd(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    yield systemd
    systemd.close()


@pytest.fixture
def host(tmp_path, clock):
    """Return a function that makes a fleet of instances in these states."""

    def make(target=Target.UP, **states):
        fleet = Fleet(Targets(tmp_path / "targets.json"))
        for name, state in states.items():
            life = Lifecycle(state=state, target=target)
            keeper = Keeper(name, life, None, clock, lambda: 0.0, lambda: 0.0, None)
            fleet.add(Instance(instance_id=name, agent_class="A"), keeper)
        return fleet

    return make


def test_signs_of_life_come_twice_in_a_period(systemd, host, clock):
    link = SystemdLink(clock, host(a=State.UP))
    link.start()
    clock.advance(15)
    clock.advance(15)
    assert systemd.heard().count({"WATCHDOG": "1"}) == 3
    cancel_timers(clock)


@pytest.mark.parametrize(("variable", "value"), [("WATCHDOG_USEC", ""), ("WATCHDOG_PID", "1")])
def test_no_sign_of_life_is_sent_that_nobody_wants(
    systemd, host, clock, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)
    SystemdLink(clock, host(a=State.UP)).start()
    assert clock.getDelayedCalls() == []
    assert systemd.heard() == []


def test_the_status_line_names_what_is_not_as_wanted(systemd, host, clock):
    starting = dict.fromkeys(("c", "d", "e", "f", "g"), State.STARTING)
    SystemdLink(clock, host(a=State.UP, b=State.BACKOFF, **starting)).ready()
    told = "1 of 7 instances up; backoff: b; starting: c, d, e and 2 more"
    assert systemd.heard() == [{"READY": "1"}, {"STATUS": told}]


def test_what_is_not_wanted_is_not_missed(systemd, host, clock):
    SystemdLink(clock, host(Target.DOWN, a=State.DOWN)).send_status()
    assert systemd.heard() == [{"STATUS": "0 of 0 instances up"}]


def test_a_status_line_is_sent_when_it_changes(systemd, host, clock):
    link = SystemdLink(clock, host(a=State.UP))
    link.send_status()
    link.send_status()
    assert systemd.heard() == [{"STATUS": "1 of 1 instances up"}]
    link.stopping()
    assert systemd.heard() == [{"STOPPING": "1"}, {"STATUS": "stopping, 1 of 1 instances up"}]


def test_a_status_line_that_found_the_socket_full_is_sent_with_the_next_sign_of_life(
    systemd, host, clock
):
    while notify(X_FILLS="the socket") is not Delivery.BUSY:
        pass
    link = SystemdLink(clock, host(a=State.UP))
    link.start()
    assert {"STATUS": "1 of 1 instances up"} not in systemd.heard()
    clock.advance(15)
    assert {"STATUS": "1 of 1 instances up"} in systemd.heard()
    cancel_timers(clock)
