"""Work in threads: who gives up while waiting costs nothing."""

import threading
from types import SimpleNamespace

import pytest
from twisted.internet.defer import CancelledError

from ocsd.web.refusals import BusyError
from ocsd.web.work import Work

LIMIT_S = 60.0


@pytest.fixture
def work():
    reactor = SimpleNamespace(callFromThread=lambda function, *args: function(*args))
    made = Work(reactor, "plots", threads=1, waiting=1)
    yield made
    made._pool.stop()


def test_a_call_whose_caller_gives_up_while_it_waits_is_left_out(work):
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()
    calls = []

    def first():
        begun.set()
        go_on.wait(LIMIT_S)
        calls.append("first")

    work.do(first)
    assert begun.wait(LIMIT_S)
    given_up = work.do(calls.append, "second")
    with pytest.raises(BusyError, match="2 requests for plots wait already"):
        work.do(calls.append, "third")
    given_up.addErrback(lambda failure: failure.trap(CancelledError))
    given_up.cancel()
    go_on.set()
    while work._calls:
        threading.Event().wait(0.01)
    work.do(done.set)
    assert done.wait(LIMIT_S)
    assert calls == ["first"]
