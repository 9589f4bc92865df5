"""The router of another host is asked who may log in."""

import http.client
import json

import pytest

from ocsd.site.model import Hub
from ocsd.web.login.doors import TooManyAttemptsError
from ocsd.web.login.people import LONGEST_REMOTE_LOGIN_S, RemotePeople
from ocsd.web.login.remote import ask_router
from ocsd.web.refusals import AwayError


class Answer:
    def __init__(self, status, reason, role):
        self.status, self._reason, self._role = status, reason, role

    def read(self):
        return json.dumps({"error": "wamp.error.not_authorized", "args": [self._reason]}).encode()

    def getheader(self, _name):
        return self._role


@pytest.fixture
def ask(monkeypatch):
    def ask(status, reason="", role=None):
        class Connection:
            def __init__(self, *_words, **_settings):
                pass

            def request(self, *_words):
                pass

            def getresponse(self):
                return Answer(status, reason, role)

            def close(self):
                pass

        monkeypatch.setattr(http.client, "HTTPSConnection", Connection)
        hub = Hub(wamp_server="wss://hub:8443/ws", wamp_http="https://hub:8443/call")
        return ask_router(hub, "otto", "password")

    return ask


def test_the_role_is_that_of_the_router(ask):
    assert ask(200, role="operator") == "operator"
    assert ask(401, "name or password is wrong") is None


def test_a_router_that_checks_no_login_now_does_not_make_the_password_wrong(ask):
    with pytest.raises(TooManyAttemptsError, match="wait"):
        ask(401, "too many logins have failed; try again in 40 s")
    with pytest.raises(AwayError, match="HTTP status 500"):
        ask(500, "the router could not check the login")


def test_the_word_of_the_router_does_not_hold_for_ever():
    """A person may have been removed on the router's host."""
    now_at = 1000.0
    people = RemotePeople(lambda _name, _password: "operator", lambda: now_at)
    assert people.role_now("otto", 1000.0, "operator") == "operator"
    now_at += LONGEST_REMOTE_LOGIN_S + 1
    assert people.role_now("otto", 1000.0, "operator") is None
    assert not people.role_now("otto", float("inf"), "")  # by the word of a web server
