"""The log of an agent that writes without end, and of one on a full disk."""

import contextlib
import os

import pytest

from ocsd.forkserver.protocol import Ended
from ocsd.log.file import LOG_FILE_LIMIT_BYTES, OLDER_FILES
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

FLOOD = """
import sys, time

def main(args=None):
    line = "x" * 1023
    for number in range(100):
        for _ in range(1024):
            print(line)
        time.sleep(0.02)
    print("100 MB written", file=sys.stderr)
"""

FULL = """
import sys, traceback
from ocsd.log import logs
from ocsd.bus.wamp import txaio

print("before anything is set up")
print("a warning", file=sys.stderr)

def main(args=None):
    for stage in range(2):
        for number in range(1000):
            print(number)
            txaio.make_logger().info("number {n}", n=number)
        try:
            1 / 0
        except ZeroDivisionError:
            traceback.print_exc()
        logs.start()
    with open("done", "w") as file:
        file.write("done")
"""


def test_a_flood_stays_bounded_and_no_line_is_lost(fork_server):
    fork_server.start(FLOOD)
    largest = 0

    def is_over():
        nonlocal largest
        for each in fork_server.folder.glob("probe.log*"):
            with contextlib.suppress(FileNotFoundError):
                largest = max(largest, each.stat().st_size)
        return "100 MB written" in tail(fork_server.folder / "probe.log")

    wait_until(is_over, "the end of the flood")
    assert fork_server.hears(Ended).code == 0
    files = list(fork_server.folder.glob("probe.log*"))
    # As many as are kept, so none has been thrown away.
    assert 2 <= len(files) <= 1 + OLDER_FILES
    # What is written between two looks, on a busy machine, comes on top.
    assert largest < LOG_FILE_LIMIT_BYTES + 60 * 2**20
    lines = sum(each.read_bytes().count(b"x" * 1023 + b"\n") for each in files)
    assert lines == 100 * 1024


def tail(path):
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 200))
        return file.read().decode()
    return ""


def test_a_log_on_a_full_disk_neither_ends_nor_stops_an_agent(fork_server):
    fork_server.start(FULL, log="/dev/full")
    assert fork_server.hears(Ended).code == 0
    assert (fork_server.folder / "done").read_text() == "done"
