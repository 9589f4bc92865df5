"""Reports of an agent to its supervisor: their content and their times."""

import time
from collections import deque
from types import SimpleNamespace

import pytest

from ocsd.agent.operations.session import OpSession
from ocsd.agent.wellbeing import this_process
from ocsd.agent.wellbeing.readiness import (
    CODE_PERIOD_S,
    SHORTAGE_PERIOD_S,
    Readiness,
    in_flight,
    trouble_of,
)
from ocsd.system import notify
from ocsd.system.notify import HEARTBEATS_HEARD, Delivery
from ocsd.system.runs import REQUESTS_KEY, RUNS_KEY, SESSION_KEY, OperationRequest
from ocsd.text.reason import LONGEST_REASON

LIFE = {"READY": 1, "WATCHDOG": 1}
"""The report of an idle agent about which the supervisor knows all."""


class Supervisor:
    """Takes reports."""

    def __init__(self):
        self.reports = []
        self.session_ids = []
        self.delivery = Delivery.DONE

    def __call__(self, **fields):
        session_id = fields.pop(SESSION_KEY, None)  # with each report but the short ones
        if self.delivery is Delivery.DONE:
            self.reports.append(fields)
            self.session_ids.append(session_id)
        return self.delivery


@pytest.fixture
def supervisor():
    return Supervisor()


@pytest.fixture
def connection():
    return SimpleNamespace(joined=False, reason="no router")


@pytest.fixture
def shortages():
    """Results of the checks for descriptors from the first on."""
    return deque([""] * 9)


@pytest.fixture
def readiness(agent, supervisor, shortages):
    readiness = Readiness(agent, supervisor, lambda: shortages.popleft())
    yield readiness
    readiness.stop()


def run(name, clock=lambda: 0.0):
    session = OpSession(0, name, clock=clock)
    session.enter()
    return session


def with_past(name, *, success=None, degraded=False, messages=()):
    session = run(name)
    session.degraded = degraded
    for text in messages:
        session.add_message(text)
    if success is not None:
        session.finish(success, None)
    return session


def test_an_agent_without_router_says_so_and_shows_that_it_lives(supervisor, readiness, connection):
    readiness.start(connection)
    assert supervisor.reports == [{"WATCHDOG": 1, "STATUS": "no router"}]


def test_a_joined_agent_is_ready(supervisor, readiness, connection):
    connection.joined = True
    readiness.start(connection)
    assert supervisor.reports == [{"READY": 1, "WATCHDOG": 1, "STATUS": ""}]


def test_an_agent_in_which_nothing_changes_shows_every_three_seconds_that_it_lives(
    reactor, supervisor, readiness, connection
):
    readiness.start(connection)
    for _ in range(6):
        reactor.advance(1)
    readiness.stop()
    assert [report.get("STOPPING") for report in supervisor.reports] == [None] * 3 + [1]


def advance_to_report(reactor, supervisor):
    number = len(supervisor.reports)
    for _ in range(4):
        if len(supervisor.reports) == number:
            reactor.advance(1)
    return supervisor.reports[number:]


def test_an_idle_agent_of_which_all_is_known_shows_only_that_it_lives(
    agent, reactor, supervisor, readiness, connection
):
    connection.joined = True
    agent.sessions["acq"] = with_past("acq", success=True)
    readiness.start(connection)
    assert RUNS_KEY in supervisor.reports[0]
    for _ in range(round(CODE_PERIOD_S)):
        reactor.advance(1)
    *lives, last = supervisor.reports[1:]
    assert lives == [LIFE] * round(CODE_PERIOD_S / 3 - 1)
    assert last == supervisor.reports[0]  # the supervisor may be new


def hearing(is_heard):
    """Return a supervisor that hears its agents' heartbeats, or one that does not."""
    return 1, 2, 3, 0o140666 | HEARTBEATS_HEARD * is_heard


@pytest.fixture
def heard_readiness(agent, supervisor, connection):
    """Reports of a joined agent whose supervisor hears its heartbeats."""
    supervisor.receiver = hearing(True)
    readiness = Readiness(agent, supervisor, str, lambda: supervisor.receiver)
    connection.joined = True
    agent.heartbeat.start()
    readiness.start(connection)
    yield readiness
    agent.heartbeat.stop()
    readiness.stop()


def test_an_idle_agent_whose_heartbeats_are_heard_reports_changes_only(
    agent, reactor, supervisor, heard_readiness
):
    for _ in range(round(CODE_PERIOD_S) - 1):
        reactor.advance(1)
    assert len(supervisor.reports) == 1
    assert supervisor.session_ids == [agent.agent_session_id]
    agent.trouble = "the pump is dry"
    reactor.advance(1)
    assert supervisor.reports[-1]["STATUS"] == "the pump is dry"


@pytest.mark.parametrize("change", ["not heard", "switched off", "refused"])
def test_an_agent_whose_heartbeats_no_longer_reach_its_supervisor_reports_that_it_lives(
    agent, reactor, supervisor, heard_readiness, change
):
    reactor.advance(1)
    if change == "not heard":
        supervisor.receiver = hearing(False)
        reactor.advance(1)
        assert len(supervisor.reports) == 2
    elif change == "switched off":
        agent.heartbeat.on = False
    else:
        agent.feeds["heartbeat"].refuse("another feed has that name")
    number = len(supervisor.reports)
    for _ in range(6):
        reactor.advance(1)
    assert len(supervisor.reports) == number + 2


def test_an_agent_at_work_reports_all_with_each_sign_of_life(
    agent, reactor, supervisor, readiness, connection
):
    connection.joined = True
    agent.sessions["acq"] = run("acq")
    readiness.start(connection)
    [report] = advance_to_report(reactor, supervisor)
    assert report["X_OPERATIONS"].startswith("acq ")


@pytest.mark.parametrize(
    ("fault", "key"), [("complaint", "X_FEEDS"), ("loss", "STATUS"), ("refusal", "STATUS")]
)
def test_a_fault_that_time_brings_is_in_the_next_sign_of_life(
    agent, reactor, supervisor, readiness, connection, fault, key
):
    feed = SimpleNamespace(
        feed_name="a", complaint=str, refusal=None, loss=str, record=False, sampled_at_s=0.0
    )
    agent.feeds["a"] = feed
    connection.joined = True
    readiness.start(connection)
    assert advance_to_report(reactor, supervisor) == [LIFE]
    setattr(feed, fault, "it rains" if fault == "refusal" else lambda: "it rains")
    [report] = advance_to_report(reactor, supervisor)
    assert "it rains" in report[key]


def test_a_sign_of_life_that_did_not_arrive_is_repeated_with_all(
    reactor, supervisor, readiness, connection
):
    connection.joined = True
    readiness.start(connection)
    supervisor.delivery = Delivery.BUSY
    for _ in range(3):
        reactor.advance(1)
    supervisor.delivery = Delivery.DONE
    reactor.advance(0.1)
    assert supervisor.reports[1:] == [{**LIFE, "STATUS": ""}]


def test_an_idle_agent_that_loses_its_router_says_so(reactor, supervisor, readiness, connection):
    connection.joined = True
    readiness.start(connection)
    connection.joined = False
    assert advance_to_report(reactor, supervisor) == [{"WATCHDOG": 1, "STATUS": "no router"}]


def test_a_knock_at_its_supervisor_has_all_checked_soon(
    agent, reactor, supervisor, connection, tmp_path, monkeypatch
):
    hurried = []
    monkeypatch.setattr("ocsd.agent.wellbeing.readiness.LOOKOUT.hurry", lambda: hurried.append(1))
    socket = tmp_path / "notify.sock"
    socket.touch()
    monkeypatch.setenv("NOTIFY_SOCKET", str(socket))
    readiness = Readiness(agent, supervisor, lambda: "")
    readiness.start(connection)
    reactor.advance(1)
    hurried.clear()
    reactor.advance(1)
    assert not hurried
    # Its time of change could be the same within a tick of the kernel's clock.
    before = socket.stat().st_ctime_ns
    while socket.stat().st_ctime_ns == before:
        notify.knock(socket)
    reactor.advance(1)
    readiness.stop()
    assert hurried == [1]


def test_a_change_is_reported_within_a_second(agent, reactor, supervisor, readiness, connection):
    readiness.start(connection)
    connection.joined = True
    agent.trouble = "the pump is dry"
    reactor.advance(1)
    assert supervisor.reports[-1]["STATUS"] == "the pump is dry"


@pytest.mark.parametrize(
    ("sampled_s", "shown"),
    [
        pytest.param(
            [1, 2, 3, 4, 5, 6], ["0.0", "3.0", "6.0"], id="steady ones with a sign of life"
        ),
        pytest.param([0, 8, 8], ["0.0", "8.0"], id="one after a pause at once"),
    ],
)
def test_new_samples_are_reported_every_three_seconds_and_at_once_after_a_pause(
    agent, reactor, supervisor, readiness, connection, sampled_s, shown
):
    feed = SimpleNamespace(
        feed_name="values", complaint=str, refusal=None, loss=str, record=True, sampled_at_s=0.0
    )
    agent.feeds["values"] = feed
    begun_s = feed.sampled_at_s = time.monotonic() - 100.0
    connection.joined = True
    readiness.start(connection)
    for new_s in sampled_s:
        feed.sampled_at_s = begun_s + new_s
        reactor.advance(1)
    told = [report for report in supervisor.reports if report != LIFE]
    ages_s = [float(report["X_SAMPLE_AGE"]) for report in told]
    assert [f"{100 - round(age_s):.1f}" for age_s in ages_s] == shown


def test_a_new_supervisor_is_told_at_once(agent, reactor, supervisor, connection):
    supervisors = deque([(0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 1, 0)])
    readiness = Readiness(agent, supervisor, str, supervisors.popleft)
    readiness.start(connection)
    for _ in range(2):
        reactor.advance(1)
    assert len(supervisor.reports) == 2
    readiness.stop()


def test_ended_operations_are_reported_as_empty_once(
    agent, reactor, supervisor, readiness, connection
):
    agent.sessions["acq"] = run("acq")
    readiness.start(connection)
    agent.sessions["acq"].finish(True, "ended")
    for _ in range(5):
        reactor.advance(1)
    first, *later = [report.get("X_OPERATIONS") for report in supervisor.reports]
    assert first.startswith("acq ")
    assert later == ["", None]  # a second and four seconds later


def test_a_report_that_did_not_arrive_is_repeated(
    agent, reactor, supervisor, readiness, connection
):
    agent.sessions["acq"] = run("acq")
    readiness.start(connection)
    agent.sessions["acq"].finish(True, "ended")
    supervisor.delivery = Delivery.BUSY
    reactor.advance(1)
    supervisor.delivery = Delivery.DONE
    reactor.advance(0.1)
    assert supervisor.reports[-1]["X_OPERATIONS"] == ""


def test_operations_in_flight_have_their_age():
    now_s = [0.0]
    acq = OpSession(0, "acq", monotonic=lambda: now_s[0])
    now_s[0] = 3419.0
    init = OpSession(1, "init", monotonic=lambda: now_s[0])
    now_s[0] = 3421.0
    assert in_flight([acq, init]) == "acq 3421 s, init 2 s"


def test_a_silent_feed_is_named(agent, supervisor, readiness, connection):
    complaint = "silent for 42 s (expected every 1 s)"
    agent.feeds["temperatures"] = SimpleNamespace(
        feed_name="temperatures", complaint=lambda: complaint, refusal=None, loss=str, record=False
    )
    agent.register_feed("others", record=True)
    readiness.start(connection)
    assert supervisor.reports[-1]["X_FEEDS"] == f"feed temperatures {complaint}"


def test_a_shortage_of_descriptors_is_checked_every_ten_seconds(
    reactor, supervisor, readiness, connection, shortages
):
    shortages.appendleft("out of descriptors (128 of 128 are open)")
    readiness.start(connection)
    connection.joined = True
    for _ in range(round(SHORTAGE_PERIOD_S)):
        reactor.advance(1)
    first, *later, last = [report["STATUS"] for report in supervisor.reports]
    assert first == "out of descriptors (128 of 128 are open); no router"
    assert set(later) == {"out of descriptors (128 of 128 are open)"}
    assert last == ""


def test_the_code_file_is_repeated_for_a_new_supervisor(reactor, supervisor, readiness, connection):
    this_process.set_code_file("/agents/thermo.py")
    readiness.start(connection)
    for _ in range(round(CODE_PERIOD_S)):
        reactor.advance(1)
    this_process.set_code_file("")
    files = [report.get("X_CODE") for report in supervisor.reports]
    assert [files[0], files[-1]] == ["/agents/thermo.py"] * 2
    assert set(files[1:-1]) == {None}


def test_a_report_stays_small(agent, supervisor, readiness, connection):
    connection.joined = True
    agent.trouble = "x" * 10000
    for number in range(1000):
        agent.sessions[f"operation{number}"] = run(f"operation{number}")
    readiness.start(connection)
    assert len(notify.encode(supervisor.reports[0])) < 4096


def test_a_long_reason_of_an_operation_is_cut(agent, supervisor, readiness, connection):
    connection.joined = True
    for name in ("acq", "init"):
        agent.sessions[name] = with_past(name, degraded=True, messages=["R" * 3000])
    readiness.start(connection)
    status = supervisor.reports[0]["STATUS"]
    assert "operation 'acq' is degraded: RRR" in status
    assert "operation 'init' is degraded: RRR" in status
    assert len(status) < 3 * LONGEST_REASON


def test_trouble_names_failed_startup_and_degraded_operations():
    sessions = [
        None,
        with_past("record", success=False, messages=["/data is full"]),
        with_past("acq", degraded=True, messages=["no answer from the device"]),
        with_past("home", success=False, messages=["a task that failed is no fault of the agent"]),
        with_past("count"),
    ]
    assert trouble_of(sessions, {"record", "acq"}) == (
        "operation 'record' failed: /data is full; "
        "operation 'acq' is degraded: no answer from the device"
    )


def test_each_request_of_a_client_is_reported_within_a_second(
    agent, reactor, supervisor, readiness, connection
):
    connection.joined = True
    readiness.start(connection)
    for number in range(3):
        agent.operations.requests.append(OperationRequest("stop", "acq", "ocs-web", float(number)))
        reactor.advance(1)
    assert [REQUESTS_KEY in report for report in supervisor.reports] == [False, True, True, True]
    assert not agent.operations.requests
