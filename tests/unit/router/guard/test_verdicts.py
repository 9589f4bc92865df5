"""Decisions are made once, and agents on the published OCS are guarded."""

import pytest

from ocsd.access.rules import Party, SiteRules
from ocsd.router.guard import verdicts
from ocsd.router.guard.verdicts import Verdicts, asked, blocked

SITE = SiteRules("lab", frozenset({"dir"}))
VERA, OTTO = Party("vera", "viewer"), Party("otto", "operator")


def test_a_question_is_decided_once_until_the_site_changes():
    questions = []

    def judge(*question):
        questions.append(question)

    known = Verdicts(SITE, judge)
    for _ in range(3):
        assert known.of(OTTO, "call", "lab.a.ops") is None
    assert questions == [(SITE, OTTO, "call", "lab.a.ops", "exact", False)]
    known.of(VERA, "call", "lab.a.ops")
    known.of(OTTO, "call", "lab.a.ops", forwarded=True)
    known.of(OTTO, "subscribe", "lab.a.ops", "prefix")
    assert len(questions) == 4
    known.site = SITE._replace(directors=frozenset())
    known.of(OTTO, "call", "lab.a.ops")
    assert len(questions) == 5


def test_a_long_address_is_refused_and_not_remembered():
    known = Verdicts(SITE)
    reason = known.of(OTTO, "call", "lab." + "x" * 2**20)
    assert reason == "an address has at most 1000 characters, not 1,048,580"
    assert not known._known


def test_not_more_than_a_bound_is_remembered(monkeypatch):
    monkeypatch.setattr(verdicts, "MOST_VERDICTS", 10)
    known = Verdicts(SITE)
    for number in range(100):
        assert known.of(OTTO, "publish", f"lab.a{number}.feeds.x")
        assert len(known._known) <= 10


def test_whoever_has_no_login_may_what_the_open_site_allows():
    nobody = Party("10.0.0.9", "ocs")
    known = Verdicts(SITE)
    assert known.of(nobody, "register", "lab.a.ops") is None
    assert "somebody else" in known.of(nobody, "call", "lab.a.ops", forwarded=True)
    assert "not below 'lab'" in known.of(nobody, "call", "wamp.session.kill")


@pytest.mark.parametrize(
    ("args", "kwargs", "found"),
    [
        (["start", "acq", {}], None, ("start", "acq")),
        ([], {"action": "stop", "op_name": "acq"}, ("stop", "acq")),
        (["status"], {"op_name": "acq"}, ("status", "acq")),
        (None, None, ("", "")),
        ([{"a": 1}, 5], {}, ("", "")),
    ],
)
def test_the_request_of_a_call_is_in_its_arguments(args, kwargs, found):
    assert asked(args, kwargs) == found


@pytest.mark.parametrize("action", ["start", "stop", "abort", "", "STATUS"])
def test_a_viewer_may_only_look_at_an_agent_of_the_published_ocs(action):
    text = blocked(VERA, "lab.x", "lab.x.ops", [action, "acq"], {})
    assert text == (
        "The action requires credential level 1-BASIC but the client has only level 0-BLOCKED"
    )
    assert blocked(OTTO, "lab.x", "lab.x.ops", [action, "acq"], {}) is None


def test_a_viewer_may_look():
    for action in ("status", "wait"):
        assert blocked(VERA, "lab.x", "lab.x.ops", [action, "acq"], {}) is None
    assert blocked(VERA, "lab.x", "lab.x", ["get_api"], {}) is None
    assert "may look at 'lab.x'" in blocked(VERA, "lab.x", "lab.x.own", [], {})


def test_every_role_without_a_level_is_kept_from_them():
    assert blocked(Party("eve", "unheard-of"), "lab.x", "lab.x.ops", ["start"], {})
