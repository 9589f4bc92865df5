"""The author's part of a traceback and of a stack."""

import json
import os
import sys
import threading

from twisted.internet.defer import succeed

from ocsd.agent.operations.lock import TimeoutLock
from ocsd.text.frames import authors_frame, from_author, is_authors, is_ocsds, place_of


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


def caught(call):
    """Return the traceback of what a call raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error.__traceback__
    raise AssertionError("it raises")


def module_in(folder, text):
    """Return the namespace of code that stands in a file of a folder."""
    file = folder / "agent.py"
    namespace = {"__name__": "agent"}
    exec(compile(text, str(file), "exec"), namespace)
    return namespace


READ = "import json\n\ndef read():\n    return json.loads('{')\n"


def test_the_place_of_an_error_is_the_innermost_line_of_the_author(tmp_path):
    read = module_in(tmp_path / "gauge", READ)["read"]
    assert place_of(caught(read)) == "gauge/agent.py:4"


def test_the_place_in_an_installed_agent_is_where_it_is_entered(tmp_path):
    folder = tmp_path / "site-packages" / "gauge"
    library = module_in(tmp_path / "site-packages" / "serial", READ)
    entered = module_in(folder, "def acq(read):\n    read()\n")["acq"]
    assert place_of(caught(lambda: entered(library["read"]))).startswith("text/test_frames.py:")
    trace = caught(lambda: entered(library["read"])).tb_next.tb_next
    assert place_of(trace) == "gauge/agent.py:2"


def test_an_error_outside_the_authors_code_has_no_place():
    failures = []
    succeed(None).addCallback(json.loads).addErrback(failures.append)
    assert place_of(failures[0].getTracebackObject()) == ""
    assert place_of(None) == ""
