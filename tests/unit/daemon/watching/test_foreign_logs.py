"""The log of a program that knows nothing of rotation is limited, and no line is lost."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from ocsd.daemon.watching.foreign_logs import rotate

WRITER = """
import itertools, select, sys
for number in itertools.count():
    print(number, flush=True)
    if select.select([sys.stdin], [], [], 0)[0]:
        print('end', number + 1, flush=True)
        sys.exit()
"""


@pytest.fixture
def writer(tmp_path):
    """A program that appends to a log until it is told to end."""
    with (tmp_path / "router.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER],
            stdin=subprocess.PIPE,
            stdout=log,
            start_new_session=True,
        )
    yield process
    process.kill()
    process.communicate()


def text(folder):
    files = sorted(folder.iterdir(), key=lambda file: int("0" + file.suffix[1:].strip("log")))
    return "".join(file.read_text() for file in [*reversed(files[1:]), files[0]])


def test_no_line_is_lost_while_the_program_writes(tmp_path, writer):
    log = tmp_path / "router.log"
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 5:
        rotate(log, writer.pid, limit_bytes=2000, older=50)
        assert time.monotonic() < deadline
    assert psutil.Process(writer.pid).status() != psutil.STATUS_STOPPED
    writer.stdin.close()
    writer.wait()
    *lines, last = text(tmp_path).splitlines()
    assert lines == [str(number) for number in range(len(lines))]
    assert last == f"end {len(lines)}"


def test_a_log_that_is_not_full_stays(tmp_path, writer):
    assert not rotate(tmp_path / "router.log", writer.pid)
    assert [file.name for file in tmp_path.iterdir()] == ["router.log"]


def test_a_program_that_is_gone_leaves_its_log_as_it_is(tmp_path, writer):
    writer.kill()
    writer.wait()
    log = tmp_path / "router.log"
    log.write_text("last words\n")
    assert not rotate(log, writer.pid, limit_bytes=1)
    assert log.read_text() == "last words\n"


def test_the_daemon_does_not_stop_itself_for_the_log_of_its_registry(tmp_path):
    log = tmp_path / "registry.log"
    log.write_text("full\n")
    assert not rotate(log, os.getpid(), limit_bytes=1)
