"""The reactor's time."""

import subprocess
import sys

CODE = """
import time
from ocsd.reactor.threads import the_reactor
reactor = the_reactor()
assert abs(reactor.seconds() - time.monotonic()) < 1
timer = reactor.callLater(60, print)
assert abs(timer.getTime() - time.monotonic() - 60) < 1
"""


def test_the_reactor_measures_time_by_the_monotonic_clock():
    # In a process of its own: this one may have a reactor already.
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=60)
