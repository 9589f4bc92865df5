"""The thread for checks that the reactor cannot make."""

import threading

from ocsd.reactor.lookout import LOOKOUT, Lookout


def test_checks_come_from_one_thread_that_is_not_the_callers():
    names, made = set(), threading.Event()

    def check():
        names.add(threading.current_thread().name)
        made.set()

    LOOKOUT.add(check)
    try:
        assert made.wait(10)
    finally:
        LOOKOUT.remove(check)
    assert names == {"lookout"}


def test_a_check_that_raises_is_given_up_and_the_others_go_on(capsys):
    calls = []

    def broken():
        calls.append("broken")
        raise ValueError("broken check")

    lookout = Lookout([broken, lambda: calls.append("sound")])
    lookout.run_checks()
    lookout.run_checks()
    assert calls == ["broken", "sound", "sound"]
    assert "broken check" in capsys.readouterr().err


def test_a_check_that_was_removed_is_not_called():
    calls = []

    def check():
        calls.append(1)

    lookout = Lookout([check])
    lookout.remove(check)
    lookout.remove(check)
    lookout.run_checks()
    assert calls == []
