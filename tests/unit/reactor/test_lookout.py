"""The thread that looks after what the reactor cannot."""

import threading

import pytest

from ocsd.reactor import lookout


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lookout, "LOOKOUT_PERIOD_S", 0.005)
    quick = lookout.Lookout()
    yield quick
    quick._pause.set()
    quick._thread.join(10)


def test_all_looks_come_from_one_thread_that_is_not_the_caller(quick):
    seen = set()
    first, second = threading.Event(), threading.Event()

    def look(event):
        seen.add(threading.current_thread().name)
        event.set()

    quick.add(lambda: look(first))
    quick.add(lambda: look(second))
    assert first.wait(10)
    assert second.wait(10)
    assert seen == {"lookout"}


def test_a_look_that_raises_is_given_up_and_the_others_go_on(quick, capsys):
    calls, went_on = [], threading.Event()

    def broken():
        calls.append(1)
        raise ValueError("broken look")

    def sound():
        if len(calls) == 1:
            went_on.set()

    quick.add(broken)
    quick.add(sound)
    assert went_on.wait(10)
    again = threading.Event()
    quick.add(again.set)
    assert again.wait(10)
    assert len(calls) == 1
    assert "broken look" in capsys.readouterr().err


def test_what_was_removed_is_not_called(quick):
    calls, other = [], threading.Event()

    def look():
        calls.append(1)

    quick.add(look)
    quick.remove(look)
    before = len(calls)
    quick.add(other.set)
    assert other.wait(10)
    other.clear()
    assert other.wait(10)
    assert len(calls) <= before + 1
