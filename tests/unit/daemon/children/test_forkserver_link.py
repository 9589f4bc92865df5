"""What the daemon knows of a fork server that does not answer."""

import os
import signal
import subprocess
import sys

import pytest

from ocsd.daemon.children.asking import QUESTION_PERIOD_S
from ocsd.daemon.children.forkserver_link import GREETING_LIMIT_S, LATE_S, ForkServerLink
from ocsd.system.paths import of_host


class Reactor:
    """Connects to nobody who says anything."""

    def __init__(self, clock):
        self.seconds, self.callLater = clock.seconds, clock.callLater

    def connectUNIX(self, path, factory):
        self.talk = factory.buildProtocol(None)


@pytest.fixture
def process():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def link(clock, process):
    link = ForkServerLink(None, of_host("lab"), None, Reactor(clock), None, None)
    link.greeted(process.pid)
    yield link
    link._asking._asking.stop()


def test_one_that_is_late_holds_up_who_is_being_ended(link, clock):
    assert link.answers
    clock.advance(LATE_S + 0.1)
    assert not link.answers
    assert link.trouble == ""
    link._asking.answered()
    assert link.answers


def test_one_that_does_not_answer_is_told_with_its_pid_and_the_way_out(link, clock, process):
    clock.advance(GREETING_LIMIT_S + 1)
    then = f"kill -9 {process.pid} and the daemon starts another one: agents run on"
    said = "the fork server has not answered for 6 s: all that runs goes on, but what starts or "
    said += f"stops waits for it; it (pid {process.pid}) "
    assert link.trouble == f"{said}may be busy; if that lasts: {then}"
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    assert link.trouble == f"{said}is stopped (state T): kill -CONT {process.pid}; or {then}"
    clock.advance(QUESTION_PERIOD_S)
    assert " for 11 s: " in link.trouble
