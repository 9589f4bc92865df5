"""Processes that wait until they may begin."""

import dataclasses
import errno
import os
import signal
from math import inf
from types import SimpleNamespace

import pytest

from ocsd.forkserver.protocol import SpawnRequest
from ocsd.forkserver.warmth.forks import ROUTER_PAUSE_S, Spares, fork
from ocsd.forkserver.warmth.loading import Loading

ROUTER = SpawnRequest(
    "router", "/log", "/", {}, ("python", "-P", "-m", "ocsd.router.crossbar_node", "start")
)
OTHER = SpawnRequest("page", "/log", "/", {}, ("python", "-P", "-m", "ocsd.web", "start"))


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


@pytest.fixture
def spares():
    return Spares(Loading())


def test_no_router_is_made_ready_where_none_was_asked_for(spares):
    assert spares.due_s(5.0) == inf
    spares.started(OTHER)
    assert spares.due_s(5.0) == inf


def test_the_next_router_is_made_ready_when_a_start_is_over(spares):
    spares.started(ROUTER)
    assert spares.due_s(5.0) == 5.0 + ROUTER_PAUSE_S


def test_a_router_that_will_be_asked_for_soon_is_made_ready_at_once(spares):
    spares.expect(ROUTER)
    assert spares.due_s(5.0) == 5.0


def test_nothing_is_taken_as_long_as_nothing_waits(spares):
    spares.expect(ROUTER)
    assert spares.take(ROUTER) is None
    spares.ended(1)
    spares.end()
    assert spares.due_s(5.0) == 5.0


def wait_for_ever(*_):
    signal.pause()


@pytest.fixture
def waiting(spares, monkeypatch):
    """A process that waits to be a router."""
    monkeypatch.setattr(spares, "_load_and_wait", wait_for_ever)
    monkeypatch.setattr(spares.loading, "make_ready", lambda **_: None)
    spares.expect(ROUTER)
    spares.prepare(lambda: None)
    yield spares._waiting
    spares.end()


def test_a_process_that_cannot_run_is_ended(waiting, spares):
    os.kill(waiting.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, waiting.pid, os.WSTOPPED)
    assert spares.take(ROUTER) is None
    with pytest.raises(ProcessLookupError):
        os.kill(waiting.pid, 0)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(ROUTER, environment={"OCSD_ROUTER_GUARD": "/guard.json"}),
        dataclasses.replace(ROUTER, command=("other", *ROUTER.command[1:])),
    ],
)
def test_a_process_that_was_loaded_for_another_router_is_ended(waiting, spares, other):
    assert spares.take(OTHER) is None
    pid = waiting.pid
    assert spares.take(other) is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    # Nor does the next one become the router of the request after that.
    spares.started(other)
    assert spares.take(other) is None


def test_a_process_becomes_the_router_whatever_its_words(waiting, spares):
    other = dataclasses.replace(ROUTER, command=(*ROUTER.command, "--cbdir", "/other"))
    taken = spares.take(other)
    assert taken is not None
    assert taken.pid == waiting.pid
    os.kill(taken.pid, signal.SIGKILL)
    os.waitpid(taken.pid, 0)


@pytest.fixture
def guessed(spares, monkeypatch):
    """A process that was loaded before anybody knew whether a router would be asked for."""
    monkeypatch.setattr(spares, "_load_and_wait", wait_for_ever)
    monkeypatch.setattr(spares.loading, "make_ready", lambda **_: None)
    spares.guess(ROUTER)
    yield spares._waiting
    spares.end()


def test_a_router_that_was_guessed_waits_until_it_is_asked_for(guessed, spares):
    assert spares.due_s(5.0) == inf
    spares.expect(ROUTER)
    assert spares._waiting is guessed
    assert spares.due_s(5.0) == inf


@pytest.mark.parametrize(
    "expected", [None, dataclasses.replace(ROUTER, environment={"OCSD_ROUTER_GUARD": "/guard"})]
)
def test_a_router_that_was_guessed_wrongly_is_ended(guessed, spares, expected):
    spares.expect(expected)
    with pytest.raises(ProcessLookupError):
        os.kill(guessed.pid, 0)
    assert spares.due_s(5.0) == (inf if expected is None else 5.0)


def test_after_an_upgrade_no_process_loads_new_code_beside_old(spares, monkeypatch):
    monkeypatch.setattr(spares, "_load_and_wait", wait_for_ever)
    spares.started(ROUTER)
    spares.loading.code = SimpleNamespace(changed=lambda: "/site-packages")
    spares.prepare(lambda: None)
    assert spares.take(ROUTER) is None
    assert spares.due_s(5.0) == inf
