"""The log of a program that knows nothing of rotation is limited, and no line is lost."""

import subprocess
import sys
import time

import psutil
import pytest

from ocsd.daemon.foreign_logs import rotate

WRITER = """
import sys
for number in range(20000):
    print(number, flush=True)
print('end', flush=True)
sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    """A program that appends 20,001 lines to a log and then waits."""
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
    while not log.read_text().endswith("end\n"):
        rotate(log, writer.pid, limit_bytes=1000, older=1000)
        assert time.monotonic() < deadline
    assert text(tmp_path).split() == [*map(str, range(20000)), "end"]
    assert len(list(tmp_path.iterdir())) > 3
    assert psutil.Process(writer.pid).status() != psutil.STATUS_STOPPED


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
