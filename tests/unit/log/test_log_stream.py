"""A log on a disk that is full."""

import os

import pytest

from ocsd.log.file import FLOOD_BYTES
from ocsd.log.stream import opened


@pytest.fixture
def log(tmp_path):
    """A stream, and the descriptor that it writes to."""
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    stream = opened(descriptor)
    yield stream, descriptor
    stream.close()
    os.close(descriptor)


def exchange(descriptor, path):
    """Let the descriptor lead elsewhere, as a rotation does."""
    other = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.dup2(other, descriptor)
    os.close(other)


def test_each_line_is_in_the_file_at_once(log, tmp_path):
    print("first", file=log[0])
    assert (tmp_path / "log").read_text() == "first\n"


def test_a_full_disk_stops_nobody_and_what_was_lost_is_told_once(log, tmp_path):
    stream, descriptor = log
    print("before", file=stream)
    exchange(descriptor, "/dev/full")
    for _ in range(1000):
        print("0123456789", file=stream)
    exchange(descriptor, tmp_path / "log")
    print("after", file=stream)
    print("and more", file=stream)
    assert (tmp_path / "log").read_text().splitlines() == [
        "before",
        "",
        "ocsd: note: 11000 bytes of this log were lost: No space left on device",
        "after",
        "and more",
    ]


def test_a_flood_is_looked_at_soon(log, monkeypatch):
    hurried = []
    monkeypatch.setattr("ocsd.log.stream.LOOKOUT.hurry", lambda: hurried.append(1))
    log[0].write("x" * (FLOOD_BYTES // 2))
    assert not hurried
    for _ in range(6):
        log[0].write("x" * (FLOOD_BYTES // 2))
    log[0].flush()
    assert len(hurried) == 2


def test_what_the_file_is_not_to_blame_for_is_raised(log):
    stream, descriptor = log
    os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        print("lost", file=stream)
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def test_text_that_is_no_unicode_is_shown_somehow(log, tmp_path):
    print(os.fsdecode(b"caf\xe9"), file=log[0])
    assert (tmp_path / "log").read_text() == "caf\\udce9\n"
