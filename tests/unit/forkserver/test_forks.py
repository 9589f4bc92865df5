"""Processes that wait until they may begin."""

import errno
import os
import signal

import pytest

from ocsd.forkserver.warmth.forks import fork


def end_with_what_is_read(gate):
    os._exit(len(os.read(gate, 100)))


def code_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_process_begins_with_its_word():
    forked = fork(end_with_what_is_read, word=b"word")
    forked.begin()
    assert code_of(forked.pid) == 4


def test_a_process_reads_nothing_if_its_parent_closes_the_gate():
    forked = fork(end_with_what_is_read, word=b"word")
    os.close(forked.gate)
    assert code_of(forked.pid) == 0


def test_a_process_that_was_killed_cannot_hold_up_its_start():
    forked = fork(end_with_what_is_read, word=b"word")
    os.kill(forked.pid, signal.SIGKILL)
    assert code_of(forked.pid) == -signal.SIGKILL
    forked.begin()


def test_processes_that_are_forked_together_begin_together():
    forked = fork(end_with_what_is_read, end_with_what_is_read, word=b"w")
    # The first one, which comes at the gate first, gets nothing before all may begin.
    assert os.waitpid(forked.pids[0], os.WNOHANG) == (0, 0)
    forked.begin()
    # One may have read for both.
    assert sum(map(code_of, forked.pids)) == 2


def test_no_process_of_many_lives_on_if_its_parent_dies_before_they_may_begin():
    forked = fork(end_with_what_is_read, end_with_what_is_read)
    os.close(forked.gate)
    assert [code_of(pid) for pid in forked.pids] == [0, 0]


def test_as_many_processes_begin_as_there_is_room_for(monkeypatch):
    real = os.fork
    room = [1, 1]

    def fork_while_there_is_room():
        if not room:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        room.pop()
        return real()

    monkeypatch.setattr(os, "fork", fork_while_there_is_room)
    forked = fork(*[end_with_what_is_read] * 3)
    assert len(forked.pids) == 2
    os.close(forked.gate)
    for pid in forked.pids:
        os.waitpid(pid, 0)
    with pytest.raises(BlockingIOError):
        fork(end_with_what_is_read)


def test_nothing_of_the_parent_goes_on_in_a_process_that_fails(capfd):
    def fail(gate):
        raise OSError("no such thing")

    forked = fork(fail)
    assert code_of(forked.pid) == 1
    os.close(forked.gate)
    assert "no such thing" in capfd.readouterr().err
