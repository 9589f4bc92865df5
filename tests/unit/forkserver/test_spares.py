"""Processes that wait to be the next router, or the next agent."""

import dataclasses
import os
import signal
from math import inf
from types import SimpleNamespace

import pytest

from ocsd.forkserver.protocol import SpawnRequest
from ocsd.forkserver.warmth.loading import Loading
from ocsd.forkserver.warmth.spares import (
    AGENT_PAUSE_S,
    ROUTER_PAUSE_S,
    SECOND_AGENT_PAUSE_S,
    NextAgent,
    NextRouter,
    Spares,
)

ROUTER = SpawnRequest(
    "router", "/log", "/", {}, ("python", "-P", "-m", "ocsd.router.crossbar_node", "start")
)
OTHER = SpawnRequest("page", "/log", "/", {}, ("python", "-P", "-m", "ocsd.web", "start"))
AGENT = SpawnRequest("agent", "/log", "/", launch={})


@pytest.fixture
def router():
    return NextRouter(Loading())


def test_no_router_is_made_ready_where_none_was_asked_for(router):
    assert router.due_s(5.0) == inf
    router.started(OTHER)
    assert router.due_s(5.0) == inf


def test_the_next_router_is_made_ready_when_a_start_is_over(router):
    router.started(ROUTER)
    assert router.due_s(5.0) == 5.0 + ROUTER_PAUSE_S


def test_a_router_that_will_be_asked_for_soon_is_made_ready_at_once(router):
    router.expect(ROUTER)
    assert router.due_s(5.0) == 5.0


def test_nothing_is_taken_as_long_as_nothing_waits(router):
    router.expect(ROUTER)
    assert router.take(ROUTER) is None
    assert not router.has_ended(1)
    router.end()
    assert router.due_s(5.0) == 5.0


def wait_for_ever(*_):
    signal.pause()


@pytest.fixture
def waiting(router, monkeypatch):
    """A process that waits to be a router."""
    monkeypatch.setattr(router, "_load_and_wait", wait_for_ever)
    monkeypatch.setattr(router.loading, "make_ready", lambda **_: None)
    router.expect(ROUTER)
    router.prepare(lambda: None)
    yield router._waiting
    router.end()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_process_that_cannot_run_is_ended(waiting, router, number):
    os.kill(waiting.pid, number)
    os.waitid(os.P_PID, waiting.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert router.take(ROUTER) is None
    with pytest.raises(ProcessLookupError):
        os.kill(waiting.pid, 0)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(ROUTER, environment={"OCSD_ROUTER_GUARD": "/guard.json"}),
        dataclasses.replace(ROUTER, command=("other", *ROUTER.command[1:])),
    ],
)
def test_a_process_that_was_loaded_for_another_router_is_ended(waiting, router, other):
    assert router.take(OTHER) is None
    pid = waiting.pid
    assert router.take(other) is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    # Nor does the next one become the router of the request after that.
    router.started(other)
    assert router.take(other) is None


def test_a_process_becomes_the_router_whatever_its_words(waiting, router):
    other = dataclasses.replace(ROUTER, command=(*ROUTER.command, "--cbdir", "/other"))
    taken = router.take(other)
    assert taken is not None
    assert taken.pid == waiting.pid
    os.kill(taken.pid, signal.SIGKILL)
    os.waitpid(taken.pid, 0)


@pytest.fixture
def guessed(router, monkeypatch):
    """A process that was loaded before anybody knew whether a router would be asked for."""
    monkeypatch.setattr(router, "_load_and_wait", wait_for_ever)
    monkeypatch.setattr(router.loading, "make_ready", lambda **_: None)
    router.guess(ROUTER)
    yield router._waiting
    router.end()


def test_a_router_that_was_guessed_waits_until_it_is_asked_for(guessed, router):
    assert router.due_s(5.0) == inf
    router.expect(ROUTER)
    assert router._waiting is guessed
    assert router.due_s(5.0) == inf


@pytest.mark.parametrize(
    "expected", [None, dataclasses.replace(ROUTER, environment={"OCSD_ROUTER_GUARD": "/guard"})]
)
def test_a_router_that_was_guessed_wrongly_is_ended(guessed, router, expected):
    router.expect(expected)
    with pytest.raises(ProcessLookupError):
        os.kill(guessed.pid, 0)
    assert router.due_s(5.0) == (inf if expected is None else 5.0)


def test_after_an_upgrade_no_process_loads_new_code_beside_old(router, monkeypatch):
    monkeypatch.setattr(router, "_load_and_wait", wait_for_ever)
    router.started(ROUTER)
    router.loading.code = SimpleNamespace(changed=lambda: "/site-packages")
    router.prepare(lambda: None)
    assert router.take(ROUTER) is None
    assert router.due_s(5.0) == inf


@pytest.fixture
def loading():
    """All that agents need, loaded and rehearsed; the paths in the list have changed since."""
    changed = []
    code = SimpleNamespace(changed=lambda: changed[0] if changed else None)
    return SimpleNamespace(code=code, changed=code.changed, pause_s=inf, paths=changed)


@pytest.fixture
def agent(loading, monkeypatch):
    agent = NextAgent(loading)
    monkeypatch.setattr(agent, "_warm_up_and_wait", wait_for_ever)
    yield agent
    agent.end()


def test_no_agent_waits_where_none_was_started(agent):
    agent.started(ROUTER)
    assert agent.due_s(5.0) == inf


def test_the_next_agent_is_made_ready_when_a_start_is_over(agent):
    agent.started(AGENT)
    assert agent.due_s(5.0) == 5.0 + AGENT_PAUSE_S
    agent.prepare(lambda: None)
    assert agent.due_s(5.0) == inf


def test_no_agent_waits_before_an_agents_life_was_rehearsed(agent, loading):
    loading.pause_s = 60.0
    agent.started(AGENT)
    assert agent.due_s(5.0) == inf


def test_an_agent_that_waits_is_taken_once(agent):
    agent.started(AGENT)
    agent.prepare(lambda: None)
    taken = agent.take(AGENT)
    assert agent.take(AGENT) is None
    assert agent.due_s(5.0) == inf
    agent.started(AGENT)
    # Nothing else starts now, so the next one is ready sooner.
    assert agent.due_s(5.0) == 5.0 + SECOND_AGENT_PAUSE_S
    agent.prepare(lambda: None)
    assert agent._pause_s == AGENT_PAUSE_S
    os.kill(taken.pid, signal.SIGKILL)
    os.waitpid(taken.pid, 0)


@pytest.mark.parametrize("other", [ROUTER, dataclasses.replace(AGENT, user="somebody")])
def test_an_agent_that_waits_serves_neither_commands_nor_other_users(agent, other):
    agent.started(AGENT)
    agent.prepare(lambda: None)
    assert agent.take(other) is None
    assert agent._waiting is not None


def test_an_agent_that_waits_is_ended_when_loaded_files_have_changed(agent, loading):
    agent.started(AGENT)
    agent.prepare(lambda: None)
    pid = agent._waiting.pid
    loading.paths.append("/site-packages")
    assert agent.take(AGENT) is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    agent.started(AGENT)
    agent.prepare(lambda: None)
    assert agent._waiting is None


def test_an_agent_that_ends_as_it_waits_is_not_replaced_before_the_next_start(agent):
    agent.started(AGENT)
    agent.prepare(lambda: None)
    pid = agent._waiting.pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert agent.has_ended(pid)
    assert agent.take(AGENT) is None
    assert agent.due_s(5.0) == inf


def test_what_is_due_first_is_made_ready_first(loading):
    spares, prepared = Spares(loading), []
    spares.router.prepare = lambda _: prepared.append("router")
    spares.agent.prepare = lambda _: prepared.append("agent")
    spares.started(ROUTER)
    spares.started(AGENT)
    assert spares.due_s(5.0) == 5.0 + AGENT_PAUSE_S
    spares.prepare(lambda: None, 5.0)
    assert prepared == ["agent"]
