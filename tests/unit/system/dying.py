"""A process that holds a lock and is dying, for as long as a test wants it to."""

import subprocess
import sys
import time
from contextlib import contextmanager

from ocsd.system import proc

_HOLDER = """
import ctypes, fcntl, os, platform, sys, threading

file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print(os.getpid(), file=file, flush=True)
threading.Thread(target=lambda: os._exit(len(sys.stdin.read()))).start()
# exit(2) ends only this thread, the first one.
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""
_LIMIT_S = 20.0


@contextmanager
def dying(path):
    """Run a process whose first thread has ended, and which ends when its input does."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdin=subprocess.PIPE)
    try:
        until_s = time.monotonic() + _LIMIT_S
        while proc.entry_of(holder.pid).state != "Z":
            assert time.monotonic() < until_s, "it does not die"
            time.sleep(0.01)
        yield holder
    finally:
        holder.kill()
        holder.communicate()
