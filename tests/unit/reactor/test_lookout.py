"""The thread for checks that the reactor cannot make."""

import threading
import time

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


def test_the_thread_sleeps_on_while_the_reactor_vouches_and_checks_when_it_falls_silent():
    checked_at_s = []
    lookout = Lookout()
    lookout.add(lambda: checked_at_s.append(time.monotonic()))
    # At once, because the first round is due soon.
    begun_s = time.monotonic()
    while not checked_at_s and time.monotonic() - begun_s < 10:
        lookout.vouch(30.0)
        time.sleep(0.05)
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < 1.2:
        lookout.vouch(30.0)
        time.sleep(0.05)
    # Not twice a second from then on.
    assert len(checked_at_s) == 1
    lookout.vouch(0.1)
    while len(checked_at_s) < 3:
        time.sleep(0.05)
    assert checked_at_s[1] >= begun_s + 1.2


def test_a_check_can_be_asked_for_soon():
    made = threading.Event()
    lookout = Lookout()
    lookout.add(made.set)
    lookout.vouch(30.0)
    assert made.wait(10)
    made.clear()
    lookout.hurry()
    assert made.wait(10)


def test_checks_that_are_asked_for_again_and_again_are_made_all_the_same():
    made = threading.Event()
    lookout = Lookout()
    lookout.add(made.set)
    lookout.vouch(30.0)
    assert made.wait(10)
    made.clear()
    begun_s = time.monotonic()
    # As a program does that prints a dot and flushes it, in the reactor's thread.
    while not made.wait(0.05) and time.monotonic() - begun_s < 10:
        lookout.hurry()
    assert made.is_set()
