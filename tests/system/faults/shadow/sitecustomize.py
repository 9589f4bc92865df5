"""Loaded by every Python process of a site under test: faults that need help from inside.

SIGUSR2 ends the process with the exit code in $FAULTS/exit_code, at once and without a word.
The time of day is wrong by the seconds in $FAULTS/clock.
A program whose command line, or a forked module whose name, has the word of $FAULTS/crashes ends
as it starts.
"""

import importlib.abc
import os
import signal
import sys
import time

FOLDER = os.environ.get("FAULTS", "")


def read(name):
    try:
        with open(os.path.join(FOLDER, name)) as file:
            return file.read().strip()
    except OSError:
        return ""


def leave(*_):
    os._exit(int(read("exit_code")))


class Clock:
    """The time of day, wrong by what the file says; it is read twenty times a second at most."""

    right = staticmethod(time.time)
    offset_s = 0.0
    read_at_s = 0.0

    def __call__(self):
        now_s = time.monotonic()
        if now_s - self.read_at_s > 0.05:
            self.read_at_s = now_s
            self.offset_s = float(read("clock") or 0)
        return self.right() + self.offset_s


class Crashes(importlib.abc.MetaPathFinder):
    """Ends the process that begins to load a module whose name has the word in $FAULTS/crashes."""

    def find_spec(self, fullname, *_):
        crashes = read("crashes")
        if crashes and crashes in fullname:
            os._exit(1)


if FOLDER:
    sys.meta_path.insert(0, Crashes())
    crashes = read("crashes")
    if crashes and any(crashes in word for word in sys.orig_argv):
        os._exit(1)
    signal.signal(signal.SIGUSR2, leave)
    time.time = Clock()
