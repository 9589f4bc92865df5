"""A deadline that is put off does not wake the thread that waits for it."""

import threading
import time

from ocsd.reactor.deadline import Deadline


def test_who_waits_is_woken_once_and_as_late_as_it_was_set_last():
    deadline, woken_at_s = Deadline(1.0), []

    def wait():
        deadline.wait()
        woken_at_s.append(time.monotonic())

    waiting = threading.Thread(target=wait)
    begun_s = time.monotonic()
    waiting.start()
    deadline.set(1.5)
    waiting.join(10)
    assert woken_at_s[0] - begun_s >= 1.49


def test_a_time_that_is_over_expires_at_once():
    deadline = Deadline(60.0)
    deadline.set(-1.0)
    deadline.wait()
