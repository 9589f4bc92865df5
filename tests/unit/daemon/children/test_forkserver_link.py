"""A fork server that does not answer."""

import os
import signal
import subprocess
import sys

import pytest
from twisted.internet.testing import StringTransport

from ocsd.daemon.children.asking import QUESTION_PERIOD_S
from ocsd.daemon.children.forkserver_link import GREETING_LIMIT_S, LATE_S, ForkServerLink
from ocsd.system.paths import of_host
from tests.unit.daemon.timers import cancel_timers


class Reactor:
    """Connects to a server that says nothing by itself."""

    def __init__(self, clock):
        self.seconds, self.callLater = clock.seconds, clock.callLater

    def connectUNIX(self, path, factory):
        self.talk = factory.buildProtocol(None)
        self.talk.makeConnection(StringTransport())


@pytest.fixture
def reactor(clock):
    return Reactor(clock)


@pytest.fixture
def process():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def link(clock, process, reactor):
    link = ForkServerLink(None, of_host("lab"), None, reactor, None, None)
    link.greeted(process.pid)
    yield link
    cancel_timers(clock)


def test_requests_are_held_up_while_it_does_not_answer(link, clock, reactor):
    assert link.answers
    clock.advance(LATE_S + 0.1)
    assert not link.answers
    assert link.trouble == ""
    reactor.talk.dataReceived(b"hello")
    assert link.answers


def test_the_trouble_names_its_pid_and_the_way_out(link, clock, process):
    clock.advance(GREETING_LIMIT_S + 1)
    then = f"kill -ABRT {process.pid} and the daemon starts another one: agents run on"
    said = "the fork server has not answered for 6 s: all that runs goes on, but what starts or "
    said += f"stops waits for it; it (pid {process.pid}) "
    assert link.trouble == f"{said}may be busy; if that lasts: {then}"
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    assert link.trouble == f"{said}is stopped (state T): kill -CONT {process.pid} lets it go on"
    clock.advance(QUESTION_PERIOD_S)
    assert " for 11 s: " in link.trouble
