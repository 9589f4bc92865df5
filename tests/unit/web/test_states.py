"""The state of the host while its daemon answers, and while it does not."""

import json
import time
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ocsd.web.api.state import LOOKING_S, StateEndpoints
from ocsd.web.api.view import LATE_FOR_S, state_of
from ocsd.web.refusals import AwayError, LateError
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.settings import PageSettings
from ocsd.web.sources.states import POLL_S, SOON_S, States

AGENT = {"instance_id": "thermo1", "agent_class": "FakeDataAgent", "state": "up", "target": "up"}
PAGE = {"instance_id": "web", "agent_class": "Web", "state": "up", "target": "up"}


def status(*instances, **more):
    rows = [{"health": "ok", **row} for row in instances or (AGENT,)]
    return {"host": "lab", "router": {"state": "up"}, "instances": rows, **more}


class StandIn:
    """A daemon that may be away."""

    def __init__(self):
        self.answer = succeed(status())
        self.asked = 0
        self.on_line = None
        self.listening = Deferred()

    async def status(self):
        self.asked += 1
        return await self.answer

    def ask(self, _target, on_line):
        self.on_line, self.listening = on_line, Deferred()
        return self.listening

    def away(self):
        self.answer = fail(AwayError("no daemon listens"))


@pytest.fixture
def daemon():
    return StandIn()


@pytest.fixture
def states(daemon, clock):
    return States(daemon, clock, clock.seconds)


def watched(states):
    seen, moved = [], []
    return seen, moved, states.watch(seen.append, moved.append)


def test_nobody_is_asked_while_nobody_looks(daemon, states, clock):
    clock.advance(100)
    assert daemon.asked == 0
    assert states.present.status is None


def test_a_viewer_gets_the_state_every_two_seconds(daemon, states, clock):
    seen, _, forget = watched(states)
    clock.advance(0)
    assert [each.answers for each in seen] == [True]
    clock.advance(POLL_S)
    assert len(seen) == 2
    forget()
    clock.advance(10 * POLL_S)
    assert len(seen) == 2


def test_a_transition_brings_a_state_soon(daemon, states, clock):
    seen, moved, forget = watched(states)
    clock.advance(0)
    for _ in range(5):
        daemon.on_line(b'data: {"event": "transition", "instance_id": "thermo1"}')
    daemon.on_line(b": a comment")
    daemon.on_line(b"data: torn")
    assert len(moved) == 5
    clock.advance(SOON_S)
    assert len(seen) == 2
    forget()


def test_the_last_status_is_kept_while_the_daemon_is_away(daemon, states, clock):
    clock.advance(5)
    seen, _, forget = watched(states)
    clock.advance(0)
    daemon.away()
    clock.advance(POLL_S)
    daemon.away()
    clock.advance(POLL_S)
    away = seen[-1]
    assert not away.answers
    assert away.since_at == 5 + POLL_S
    assert away.answered_at == 5
    assert away.status == status()
    daemon.answer = succeed(status())
    clock.advance(POLL_S)
    assert seen[-1].answers
    assert seen[-1].since_at == 0
    forget()


def test_a_viewer_who_cannot_be_told_a_state_is_told_the_next_one(daemon, states, clock):
    from twisted.logger import globalLogPublisher

    seen, logged = [], []

    def on_state(state):
        seen.append(state)
        if len(seen) == 1:
            raise KeyError("a status of another release")

    forget = states.watch(on_state, seen.append)
    globalLogPublisher.addObserver(logged.append)
    clock.advance(0)
    globalLogPublisher.removeObserver(logged.append)
    clock.advance(POLL_S)
    assert len(seen) == 2
    assert any("log_failure" in event for event in logged)
    forget()


def test_single_questions_share_an_answer(daemon, states, clock):
    clock.advance(5)
    daemon.answer = Deferred()
    answers = []
    for _ in range(3):
        states.fresh().addCallback(answers.append)
    daemon.answer.callback(status())
    assert daemon.asked == 1
    assert len(answers) == 3
    states.fresh().addCallback(answers.append)
    assert daemon.asked == 1


def ask(window=""):
    request = SimpleNamespace(
        setHeader=lambda *_: None,
        notifyFinish=Deferred,
        registerProducer=lambda *_: None,
        write=lambda _: None,
    )
    return Call(request, params={"window": window})


def test_windows_with_and_without_the_focus_are_counted_each_once(daemon, states, monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    endpoints = StateEndpoints(PageSettings("lab", None, None, None), states, Seats())
    for window in ("a", "b", "b", ""):
        Deferred.fromCoroutine(endpoints.state(ask(window)))
    Deferred.fromCoroutine(endpoints.events(ask("b")))
    assert endpoints.viewers == 2
    now_s += LOOKING_S + 1
    assert endpoints.viewers == 1
    for window in ("b", "", ""):
        Deferred.fromCoroutine(endpoints.events(ask(window)))
    assert endpoints.viewers == 3
    for stream in list(endpoints._streams):
        stream.stopProducing()
    assert endpoints.viewers == 0


def view(daemon, states, now_at=10.0):
    settings = PageSettings("lab", None, None, None, name="Lab <1>", colour="#102030")
    found = []
    states.fresh().addCallback(found.append)
    return state_of(settings, found[0], now_at)


def test_the_answer_to_single_questions_is_made_once_and_has_the_present_time(
    daemon, states, clock, monkeypatch
):
    clock.advance(5)
    endpoints = StateEndpoints(PageSettings("lab", None, None, None), states, Seats())
    answers = []
    for at in (7.0, 8.5):
        monkeypatch.setattr(time, "time", lambda at=at: at)
        Deferred.fromCoroutine(endpoints.state(ask())).addCallback(answers.append)
    first, second = map(json.loads, answers)
    assert (first.pop("at"), second.pop("at")) == (7.0, 8.5)
    assert first == second
    assert first["hosts"][0]["verdict"].startswith("lab: ok")
    assert daemon.asked == 1


def test_the_view_says_what_is_wrong_the_worst_first(daemon, states, clock):
    clock.advance(5)
    failed = {**AGENT, "state": "failed", "health": None, "reason": "no <b>port</b>"}
    hung = {**AGENT, "instance_id": "b", "health": "hung", "reason": "silent"}
    daemon.answer = succeed(status(hung, failed, PAGE))
    found = view(daemon, states)
    assert found["site"] == {"name": "Lab <1>", "colour": "#102030"}
    [host] = found["hosts"]
    assert host["level"] == "bad"
    assert host["verdict"].startswith("lab: attention · 2 up, 1 failed · 1 not in target state")
    assert [each["what"] for each in host["wrong"]] == ["thermo1 is failed", "b is hung"]
    assert host["wrong"][0]["reason"] == "no <b>port</b>"
    assert host["wrong"][0]["remedy"] == "mend that, then: ocsd up thermo1"


def test_a_page_that_fails_is_no_more_than_a_warning(daemon, states, clock):
    clock.advance(5)
    daemon.answer = succeed(status(AGENT, {**PAGE, "state": "failed", "health": None}))
    [host] = view(daemon, states)["hosts"]
    assert host["level"] == "warning"
    assert host["wrong"][0]["what"] == "web is failed"
    assert "1 not healthy (web failed)" in host["verdict"]


def test_a_page_that_starts_for_ever_is_a_warning_with_its_reason(daemon, states, clock):
    clock.advance(5)
    starting = {**PAGE, "state": "starting", "health": None, "reason": "no port is free"}
    daemon.answer = succeed(status(AGENT, {**starting, "uptime_s": 5.0}))
    assert view(daemon, states)["hosts"][0]["level"] == "ok"
    clock.advance(5)
    daemon.answer = succeed(status(AGENT, {**starting, "uptime_s": 20.0}))
    [host] = view(daemon, states)["hosts"]
    assert host["level"] == "warning"
    assert (host["wrong"][0]["what"], host["wrong"][0]["reason"]) == (
        "web is starting",
        "no port is free",
    )


def test_nothing_is_wrong_with_instances_while_the_host_is_being_stopped(daemon, states, clock):
    clock.advance(5)
    stopping = [{**AGENT, "state": "stopping"}, {**AGENT, "instance_id": "b", "state": "down"}]
    daemon.answer = succeed(status(*stopping, stopping=True))
    [host] = view(daemon, states)["hosts"]
    assert [each["what"] for each in host["wrong"]] == ["the host is being stopped"]


def test_a_daemon_that_is_slow_once_is_no_more_than_a_warning(daemon, states, clock):
    clock.advance(5)
    assert view(daemon, states)["hosts"][0]["level"] == "ok"
    clock.advance(2)
    daemon.answer = fail(LateError("the daemon has not answered for 2 s"))
    [host] = view(daemon, states, 8.0)["hosts"]
    assert (host["level"], host["answers"]) == ("warning", False)
    assert host["verdict"].startswith("lab: ok")
    assert host["wrong"][0]["what"] == "the daemon answers late"
    [host] = view(daemon, states, 8.0 + LATE_FOR_S)["hosts"]
    assert host["level"] == "bad"
    assert host["wrong"][0]["what"] == "the daemon does not answer"


def test_all_down_but_the_page_means_that_nothing_runs(daemon, states, clock):
    clock.advance(5)
    down = {**AGENT, "state": "down", "target": "down", "health": None}
    daemon.answer = succeed(status(down, PAGE))
    [host] = view(daemon, states)["hosts"]
    assert host["verdict"].startswith("lab: nothing runs: 1 up, 1 down")


def test_a_daemon_that_never_answered_is_away(daemon, states, clock):
    clock.advance(5)
    daemon.away()
    [host] = view(daemon, states)["hosts"]
    assert (host["level"], host["status"]) == ("bad", None)
    assert host["wrong"][0]["remedy"].startswith("ocsd start --host lab")
