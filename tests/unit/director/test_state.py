"""Grants of exclusive access, tokens, and the messages to agents."""

import json

import pytest

from ocsd.access.controls import Controls
from ocsd.access.level_rules import credentials
from ocsd.access.scope import AccessTarget
from ocsd.director.configuration import config_of
from ocsd.director.state import (
    NOBODY_KNOWN,
    DirectorState,
    ExclusiveRequest,
    Requester,
    exclusive,
    message_to,
    message_to_all,
    missing_tokens,
    state_of,
)
from tests.unit.director.test_configuration import ARGON2, WHOLE

CONFIG = config_of(WHOLE, "x")
FAKER, OTHER = AccessTarget("FakeDataAgent", "faker1"), AccessTarget("OtherAgent", "x")
OTTO, OLGA = Requester("otto", "operator"), Requester("olga", "operator")
VERA, THERMO = Requester("vera", "viewer"), Requester("thermo1", "agent")


def ask(state, action, who=NOBODY_KNOWN, now=1000.0, password="for cal", name="cal", **more):
    request = ExclusiveRequest(name, password, action, **more)
    return exclusive(state, CONFIG, request, who, now, "new password")


def held(who=NOBODY_KNOWN, **more):
    return ask(DirectorState(), "acquire", who, **more)[0]


def test_who_acquires_gets_the_password_and_the_step():
    state, answer = ask(DirectorState(), "acquire", grantee="me", expire_at=1100)
    assert answer == {
        "message": "grant acquired",
        "password": "new password",
        "grant_name": "cal",
        "expire_at": 1100,
        "step": 2,
    }
    rules = state.rules(CONFIG)
    assert credentials(rules, FAKER, "new password").level == 2
    level, detail = credentials(rules, FAKER, "two")
    assert (level, detail) == (1, "Privileges diminished; lockouts active: ['cal[me]']")
    assert credentials(rules, OTHER, "two").level == 2
    [grant] = state.grants
    assert grant.as_json()["rules"][0]["lockout_id"] == "cal"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"name": None}, "No grant_name specified."),
        ({"name": "x"}, "Named grant not found (x)"),
        ({"password": None}, "Credential failed to access (cal)"),
        ({"password": "wrong"}, "Credential failed to access (cal)"),
        ({"password": 5}, "Credential failed to access (cal)"),
        ({"who": VERA}, "Credential failed to access (cal)"),
        ({"expire_at": "soon"}, "expire_at is 'soon', not a Unix time."),
        ({"expire_at": float("nan")}, "expire_at is nan, not a Unix time."),
    ],
)
def test_a_request_is_refused_in_the_words_of_ocs(request_, error):
    state, answer = ask(DirectorState(), "acquire", **request_)
    assert answer == {"error": error}
    assert state == DirectorState()


def test_a_grant_is_held_by_one():
    state = held(grantee="me")
    taken = {"error": "Grant is already held (grantee: me); release it first."}
    assert ask(state, "acquire", grantee="you")[1] == taken
    after, answer = ask(state, "acquire", grantee="you", strict=False)
    assert answer["message"] == "grant acquired"
    assert [grant.grantee for grant in after.grants] == ["you"]


def test_a_grant_is_renewed_and_released():
    state = held()
    assert state.grants[0].expire_at == 1060.0
    after, answer = ask(state, "renew", now=1030.0)
    assert answer == {
        "message": "grant renewed",
        "grant_name": "cal",
        "expire_at": 1090.0,
        "step": 2,
    }
    after, answer = ask(after, "release")
    assert answer == {"message": "grant released", "grant_name": "cal", "step": 3}
    assert after.grants == ()


def test_nothing_is_renewed_or_released_that_nobody_holds():
    state = DirectorState()
    assert ask(state, "renew")[1] == {"error": "Grant is not currently held; cannot renew."}
    assert ask(state, "release")[1] == {"error": "Grant is not currently held; cannot release."}
    assert ask(state, "release", strict=False)[1]["message"] == "grant released"
    assert ask(state, "seize")[1] is None


def test_a_grant_ends_at_its_time():
    state = held()
    assert state.at(1059.0) is state
    after = state.at(1060.0)
    assert (after.grants, after.step) == ((), 3)


@pytest.mark.parametrize("action", ["renew", "release"])
def test_on_a_closed_site_a_grant_belongs_to_its_holder_and_to_operators(action):
    state = held(THERMO, grantee="wire grid")
    assert state.grants[0].grantee == "thermo1: wire grid"
    for who, allowed in ((THERMO, True), (OTTO, True), (Requester("thermo2", "agent"), False)):
        answer = ask(state, action, who)[1]
        assert ("message" in answer) is allowed, who
    assert "error" in ask(state, "acquire", Requester("thermo2", "agent"), strict=False)[1]
    assert ask(held(OTTO, grantee="otto"), action, OLGA)[1]["message"]


def test_a_strong_password_has_a_token_that_outlives_a_restart():
    text = f"passwords:\n- {{default: true, password_2: {{hash: argon2, value: '{ARGON2}'}}}}\n"
    config = config_of(text, "x")
    [name] = missing_tokens(config, {})
    state = DirectorState().with_tokens(config, {name: "token"})
    assert missing_tokens(config, dict(state.tokens)) == ()
    rules = state.rules(config)
    assert credentials(rules, FAKER, "token").level == 2
    assert credentials(rules, FAKER, "strong").level == 0
    again = state.with_tokens(config, {})
    assert again.rules(config) == rules
    assert state.with_tokens(CONFIG, {}).tokens == ()


def test_all_are_told_all_and_each_its_own():
    state = held()
    rules = state.rules(CONFIG)
    everything, own = message_to_all(state, rules), message_to(state, rules, OTHER)
    assert (everything["reset"], own["target"]) == (True, "x")
    assert everything["step"] == own["step"] == state.step
    assert len(everything["rules"]) == 6
    assert [rule["cred_level"] for rule in own["rules"]] == [1, 2, 3, 1]
    info = {"session_id": "1"}
    for message in (everything, own):
        controls = Controls().after(json.loads(json.dumps(message)), info, "x")
        assert credentials(controls.rules, OTHER, "two").level == 2


def test_the_state_outlives_the_process():
    state = held(OTTO, grantee="me")
    assert state_of(json.loads(json.dumps(state.as_json()))) == state
    assert "new password" not in json.dumps(state.as_json())


@pytest.mark.parametrize("data", [None, [], {}, {"grants": [{}], "tokens": {}, "step": 1}])
def test_a_state_that_cannot_be_read_is_refused(data):
    with pytest.raises((ValueError, TypeError, KeyError)):
        state_of(data)
