"""Errors of calls through the router, in words for an operator."""

from ocsd.cli.talk.site_router import SiteRouter
from ocsd.client.http import CONNECTION_ERROR, REQUEST_ERROR, ControlClientError
from ocsd.errors import NotPermittedError

ROUTER = SiteRouter("ws://hub/ws", "http://hub/call", "r", "lab", listed=("pump1",))


def test_a_call_without_an_answer_blames_the_agent_or_its_router():
    error = ControlClientError([0, 0, 0, 0, REQUEST_ERROR, ["it has not answered within 10 s"]])
    said = str(ROUTER.explained(error, "pump1"))
    assert said == (
        "it has not answered within 10 s: 'pump1' or its router hangs; "
        "see: ocsd status pump1; ocsd logs pump1"
    )


def test_a_router_that_is_away_is_blamed_for_it_and_no_agent():
    because = ["Failed to connect to http://hub/call", "Connection refused"]
    error = ControlClientError([0, 0, 0, 0, CONNECTION_ERROR, because])
    said = str(ROUTER.explained(error, "pump1"))
    assert said.endswith("Connection refused: the router is away; see: ocsd why router")


def test_a_request_that_the_router_refuses_is_no_router_that_is_away():
    error = ControlClientError([0, 0, 0, 0, REQUEST_ERROR, ["the call has 20,000,000 bytes"]])
    assert "away" not in str(ROUTER.explained(error, "pump1"))


def test_a_wrong_password_says_where_the_login_comes_from():
    because = ["the name or the password is wrong"]
    error = ControlClientError([0, 0, 0, 0, "wamp.error.not_authorized", because])
    said = ROUTER.explained(error, "pump1")
    assert isinstance(said, NotPermittedError)
    assert str(said) == (
        "the router refuses to call 'pump1': the name or the password is wrong; "
        "your login is that of OCSD_USER, else of ~/.config/ocsd/login.yaml"
    )


def test_a_router_that_is_not_trusted_is_not_away():
    because = ["Failed to connect to https://hub/call", "the certificate is not trusted"]
    error = ControlClientError([0, 0, 0, 0, CONNECTION_ERROR, because])
    assert "away" not in str(ROUTER.explained(error, "pump1"))
