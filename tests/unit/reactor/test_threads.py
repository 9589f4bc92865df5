"""The reactor of a process, and its time."""

import subprocess
import sys

CODE = """
import time
from ocsd.reactor.threads import the_reactor
reactor = the_reactor()
assert abs(reactor.seconds() - time.monotonic()) < 1
timer = reactor.callLater(60, print)
assert abs(timer.getTime() - time.monotonic() - 60) < 1
from twisted.internet import reactor as imported
import twisted.internet.reactor
assert imported is reactor and the_reactor() is reactor
"""


def test_the_reactor_is_the_one_of_the_process_and_measures_time_by_the_monotonic_clock():
    # In a process of its own: this one may have a reactor already.
    subprocess.run([sys.executable, "-c", CODE], check=True, timeout=60)
