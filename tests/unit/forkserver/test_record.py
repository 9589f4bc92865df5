"""The record of processes names what lives, and nobody else."""

import os
import subprocess

import pytest

from ocsd.forkserver import record
from ocsd.forkserver.protocol import Ended, Hello, Spawned, decode, encode
from ocsd.forkserver.record import Record, Recorded, boot_id, lives
from ocsd.system.proc import start_ticks


@pytest.fixture
def path(tmp_path):
    return record.beside(tmp_path / "fork.sock")


@pytest.fixture
def me():
    return Spawned("me", os.getpid(), start_ticks(os.getpid()))


def test_what_was_added_is_found_as_long_as_it_lives(path, me):
    child = subprocess.Popen(["sleep", "1000"])
    other = Spawned("other", child.pid, start_ticks(child.pid))
    try:
        kept = Record(path)
        kept.add(me)
        kept.add(other)
        assert record.read(path) == Recorded((me, other))
    finally:
        child.kill()
        # Nobody has waited for it: it is a zombie, which has its number still.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert record.read(path) == Recorded((me,), gone=(other,))
    child.wait()
    assert record.read(path) == Recorded((me,), gone=(other,))
    # The next fork server keeps it until a daemon knows.
    following = Record(path)
    assert record.read(path).gone == (other,)
    following.forget(other.pid)
    assert record.read(path) == Recorded((me,))


def test_an_end_is_kept_until_a_daemon_knows_of_it(path, me):
    kept = Record(path)
    kept.add(me)
    ended = Ended("me", me.pid, 3, None, "", 1000.5)
    kept.ended(ended)
    assert record.read(path) == Recorded(ended=(ended,))
    following = Record(path)
    assert following.earlier.ended == (ended,)
    following.forget(me.pid)
    assert record.read(path) == Recorded()


def test_nobody_is_missed_whose_boot_is_not_known(path):
    path.write_bytes(encode(Spawned("gone", 2**22 + 1, 1)))
    assert record.read(path).gone == ()


def test_a_number_with_another_start_time_is_another_process(me):
    assert lives(me)
    assert not lives(Spawned("me", me.pid, me.start_ticks - 1))
    assert not lives(Spawned("me", 2**22 + 1, 0))


def test_the_next_fork_server_goes_on_with_the_record(path, me):
    Record(path).add(me)
    following = Record(path)
    assert following.earlier == Recorded((me,))
    parent = Spawned("parent", os.getppid(), start_ticks(os.getppid()))
    following.add(parent)
    assert record.read(path) == Recorded((me, parent))


def test_the_record_does_not_grow_for_ever(path, me):
    kept = Record(path)
    kept.add(me)
    for number in range(10 * record.MOST_STALE):
        gone = Spawned("gone", 2**22 + number, 1)
        kept.add(gone)
        kept.forget(gone.pid)
    assert len(path.read_bytes().splitlines()) < 2 * record.MOST_STALE + 3
    assert record.read(path) == Recorded((me,))


@pytest.mark.parametrize(
    "damage", [b"\x00\xff", b"[1]", b'["Spawned", {"name": "x"}]', b'["End", {}]']
)
def test_wrong_lines_are_skipped_and_told(path, me, damage):
    path.write_bytes(f"{boot_id()}\n".encode() + damage + b"\n" + encode(me))
    found = record.read(path)
    assert found.living == (me,)
    assert "1 of 3 lines" in found.notice
    assert str(path) in found.notice


def test_a_record_without_a_sound_first_line_is_still_used(path, me):
    path.write_bytes(encode(me) + encode(me))
    found = record.read(path)
    assert found.living == (me,)
    assert "1 of 2 lines" in found.notice


def test_an_empty_record_is_told_and_a_missing_one_is_not(path):
    assert record.read(path) == Recorded()
    path.write_bytes(b"")
    assert "1 of 1 lines" in record.read(path).notice


def test_processes_of_another_boot_are_not_believed(path, me):
    path.write_bytes(b"01234567-89ab-cdef-0123-456789abcdef\n" + encode(me))
    assert record.read(path) == Recorded()


def test_a_record_that_cannot_be_written_is_written_when_it_can(path, me, capsys):
    path.mkdir()
    kept = Record(path)
    kept.add(me)
    assert capsys.readouterr().err.count("cannot record processes") == 1
    path.rmdir()
    parent = Spawned("parent", os.getppid(), start_ticks(os.getppid()))
    kept.add(parent)
    assert record.read(path) == Recorded((me, parent))


def test_the_record_is_removed_when_nothing_is_left(path, me):
    kept = Record(path)
    kept.add(me)
    kept.remove()
    assert path.exists()
    kept.forget(me.pid)
    kept.remove()
    assert not path.exists()


def test_the_hello_of_an_older_and_of_a_newer_release_are_understood():
    older = b'["Hello", {"pid": 1, "version": 1, "running": [], "ended": []}]'
    assert decode(older) == Hello(1, 1, (), ())
    newer = encode(Hello(1, 1, (Spawned("a", 2, 3),), (), (Spawned("b", 4, 5),)))
    assert decode(newer.replace(b'"pid": 2', b'"pid": 2, "colour": "red"')) == decode(newer)
