"""What an agent tells its supervisor of its operations and samples."""

from types import SimpleNamespace

import pytest

from ocsd.agent.wellbeing.activity import runs_of, sample_age
from ocsd.agent.wellbeing.readiness import Readiness
from ocsd.system.runs import decode_runs


def acquire(session, _params):
    """End at once."""
    return True, "ended"


@pytest.fixture
def busy(agent, reactor):
    """An agent with a process that runs, and one that starts with it."""
    agent.register_process("acq", lambda *_: SimpleNamespace(), stop, blocking=False, startup=True)
    agent.register_process("count", acquire, stop, blocking=False)
    agent.register_task("init", lambda *_: (False, "no answer of the bridge"), blocking=False)
    return agent


def stop(session, _params):
    """Ask a process to end."""
    session.set_status("stopping")
    return True, "requested"


def states(agent):
    return {run.name: (run.state, run.reason) for run in decode_runs(runs_of(agent))}


def test_operations_that_never_ran_are_not_told(busy):
    assert runs_of(busy) == ""


def test_a_process_that_nobody_asked_has_ended_and_a_task_has_failed(busy, reactor):
    busy.start("count")
    busy.start("init")
    reactor.advance(1)
    assert states(busy) == {"count": ("ended", ""), "init": ("failed", "no answer of the bridge")}


def session_of(agent, name):
    agent.start(name)
    return agent.sessions[name]


def test_the_request_of_a_client_and_that_of_the_agent_differ(busy, reactor):
    for by_client, who in ((True, "an unknown client"), (False, "the agent itself")):
        session = session_of(busy, "count")
        session.enter()
        if by_client:
            busy.operations.handle("stop", "count")
        else:
            busy.stop("count")
        assert states(busy)["count"] == ("stopping", who)
        session.finish(True, "done")
        assert states(busy)["count"] == ("stopped", who)
        reactor.advance(1)


def test_what_starts_with_the_agent_is_marked(busy, reactor):
    busy.start("acq")
    busy.sessions["acq"].enter()
    [run] = decode_runs(runs_of(busy))
    assert (run.name, run.kind, run.startup, run.state) == ("acq", "process", True, "running")
    busy.sessions["acq"].degraded = True
    busy.sessions["acq"].data = {"reason": "the device is mute"}
    assert states(busy)["acq"] == ("degraded", "the device is mute")
    reactor.advance(1)


def feed(at_s, *, record=True):
    return SimpleNamespace(sampled_at_s=at_s, record=record)


def test_the_age_is_that_of_the_newest_sample_of_a_recorded_feed():
    never = float("-inf")
    assert sample_age([feed(3.0), feed(5.0), feed(never), feed(9.0, record=False)], 7.5) == "2.5"
    assert sample_age([feed(never)], 7.5) == ""
    assert sample_age([], 7.5) == ""


def test_a_published_sample_and_the_facts_of_the_agent_are_reported(agent, reactor):
    reports = []
    agent.register_feed("temperatures", record=True)
    agent.facts["X_MORE"] = lambda: "facts"
    readiness = Readiness(agent, lambda **fields: reports.append(fields), lambda: "")
    readiness.start(SimpleNamespace(joined=False, reason=""))
    sample = {"block_name": "t", "timestamp": 1.0, "data": {"a": 1.0}}
    agent.publish_to_feed("temperatures", sample)
    readiness.report()
    readiness.stop()
    assert "X_SAMPLE_AGE" not in reports[0]
    assert float(reports[1]["X_SAMPLE_AGE"]) < 5
    assert reports[1]["X_MORE"] == "facts"
