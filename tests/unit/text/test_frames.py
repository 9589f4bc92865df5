"""The author's part of a traceback and of a stack."""

import os
import sys
import threading

from twisted.internet.defer import succeed

from ocsd.agent.operations.lock import TimeoutLock
from ocsd.text.frames import authors_frame, from_author, is_authors, is_ocsds


def stack_within(call):
    """Return the innermost frame of a thread that waits within `call`."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    frame, last = None, None
    while frame is None or frame.f_lasti != last:
        last = frame and frame.f_lasti
        thread.join(0.05)
        frame = sys._current_frames()[thread.ident]
    return frame


def test_a_lock_that_is_waited_for_is_the_line_of_the_author():
    lock = TimeoutLock()
    lock.acquire()

    def waits():
        lock.acquire(timeout=10)

    frame = stack_within(waits)
    assert is_ocsds(frame.f_code.co_filename)
    assert authors_frame(frame, []).f_code is waits.__code__
    lock.release()


def test_a_library_that_waits_is_the_line_of_the_author():
    event = threading.Event()

    def waits():
        event.wait(10)

    assert authors_frame(stack_within(waits), []).f_code is waits.__code__
    event.set()


def test_files_of_ocsd_and_of_libraries_are_not_the_authors():
    assert is_authors(__file__)
    for module in (os, threading, sys.modules["twisted"], sys.modules["ocsd"]):
        assert not is_authors(module.__file__)


def test_a_traceback_is_cut_to_the_authors_part():
    failures = []
    succeed(None).addCallback(lambda _: 1 / 0).addErrback(failures.append)
    trace = from_author(failures[0].value.__traceback__)
    assert trace.tb_frame.f_code.co_filename == __file__
    assert from_author(None) is None
