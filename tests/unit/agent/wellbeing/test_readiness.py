"""What an agent tells its supervisor beside its status, and when."""

import pytest

from ocsd.agent.operations.session import OpSession
from ocsd.agent.wellbeing import this_process
from ocsd.agent.wellbeing.readiness import CODE_PERIOD, DESCRIPTORS_PERIOD, Readiness, in_flight
from ocsd.system import notify
from ocsd.system.notify import Delivery
from ocsd.text.reason import LONGEST


class Supervisor:
    """Takes reports."""

    def __init__(self):
        self.reports = []
        self.delivery = Delivery.DONE

    def __call__(self, **fields):
        if self.delivery is Delivery.DONE:
            self.reports.append(fields)
        return self.delivery


@pytest.fixture
def supervisor():
    return Supervisor()


@pytest.fixture
def readiness(agent, supervisor):
    readiness = Readiness(agent, supervisor)
    readiness._connection = type("Away", (), {"joined": False, "reason": "no router"})
    yield readiness
    readiness.stop()


def run(name, clock=lambda: 0.0):
    session = OpSession(0, name, clock=clock)
    session.enter()
    return session


def test_what_runs_for_how_long_is_told_once_more_when_nothing_does(agent, supervisor, readiness):
    agent.sessions["acq"] = run("acq")
    readiness.report()
    agent.sessions["acq"].finish(True, "ended")
    for _ in range(3):
        readiness.report()
    told = [report.get("X_OPERATIONS") for report in supervisor.reports]
    assert told[0].startswith("acq ")
    assert told[1:] == ["", None, None]


def test_what_did_not_arrive_is_said_again(agent, reactor, supervisor, readiness):
    agent.sessions["acq"] = run("acq")
    readiness.report()
    agent.sessions["acq"].finish(True, "ended")
    supervisor.delivery = Delivery.BUSY
    readiness.report()
    supervisor.delivery = Delivery.DONE
    reactor.advance(0.1)
    assert supervisor.reports[-1]["X_OPERATIONS"] == ""


def test_operations_in_flight_have_their_age():
    assert in_flight([run("acq"), run("init", lambda: 3419.0)], 3421.0) == "acq 3421 s, init 2 s"


def test_a_silent_feed_is_named(agent, supervisor, readiness, monkeypatch):
    feed = agent.register_feed("temperatures", record=True)
    monkeypatch.setattr(feed, "complaint", lambda: "silent for 42 s (expected every 1 s)")
    agent.register_feed("others", record=True)
    readiness.report()
    assert supervisor.reports[-1]["X_FEEDS"] == (
        "feed temperatures silent for 42 s (expected every 1 s)"
    )


def test_that_nothing_more_can_be_opened_is_told_and_looked_at_now_and_then(
    supervisor, readiness, monkeypatch
):
    looks = iter(["out of descriptors (128 of 128 are open)", ""])
    monkeypatch.setattr(this_process, "shortage", lambda: next(looks))
    for _ in range(DESCRIPTORS_PERIOD):
        readiness.report()
    told = {report["STATUS"] for report in supervisor.reports}
    assert told == {"out of descriptors (128 of 128 are open); no router"}
    readiness._connection = type("Joined", (), {"joined": True})
    readiness.report()
    assert supervisor.reports[-1]["STATUS"] == ""


def test_where_the_code_is_is_repeated_for_a_new_supervisor(supervisor, readiness, monkeypatch):
    monkeypatch.setattr(this_process, "_code_file", "/agents/thermo.py")
    for _ in range(CODE_PERIOD + 1):
        readiness.report()
    told = [number for number, report in enumerate(supervisor.reports) if "X_CODE" in report]
    assert told == [0, CODE_PERIOD]
    assert supervisor.reports[0]["X_CODE"] == "/agents/thermo.py"


def test_a_report_stays_small(agent, supervisor, readiness):
    readiness._connection = type("Joined", (), {"joined": True, "reason": ""})
    agent.trouble = "x" * 10000
    for number in range(1000):
        agent.sessions[f"operation{number}"] = run(f"operation{number}")
    readiness.report()
    assert len(notify.encode(supervisor.reports[0])) < 4096


def test_what_an_operation_says_of_itself_is_told_in_part(agent, supervisor, readiness):
    readiness._connection = type("Joined", (), {"joined": True, "reason": ""})
    for name in ("acq", "init"):
        agent.sessions[name] = run(name)
        agent.sessions[name].degraded = True
        agent.sessions[name].add_message("R" * 3000)
    readiness.report()
    told = supervisor.reports[0]["STATUS"]
    assert "operation 'acq' is degraded: RRR" in told
    assert "operation 'init' is degraded: RRR" in told
    assert len(told) < 3 * LONGEST
