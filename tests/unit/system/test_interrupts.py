"""Ctrl-C while code is being loaded ends the process, whatever swallows exceptions."""

import signal
import subprocess
import sys

import pytest

from ocsd.system.interrupts import ends_at_once

SWALLOWS = """
import os, signal, weakref
from ocsd.system.interrupts import ends_at_once

class Thing: pass

def callback(_):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(100): pass

def load():
    thing = Thing()
    kept = weakref.ref(thing, callback)
    del thing

{load}
print("goes on")
"""


@pytest.mark.parametrize(
    ("load", "code"), [("load()", 0), ("with ends_at_once(): load()", -signal.SIGINT)]
)
def test_what_a_callback_would_swallow_ends_the_process(load, code):
    program = SWALLOWS.format(load=load)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == code


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None, signal.default_int_handler])
def test_what_was_there_before_is_there_again(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with ends_at_once():
            changed = signal.getsignal(signal.SIGINT) is not handler
        assert signal.getsignal(signal.SIGINT) is handler
        assert changed == (handler is signal.default_int_handler)
    finally:
        signal.signal(signal.SIGINT, before)
