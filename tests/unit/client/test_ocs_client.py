"""ocs_client: operations as attributes, replies that can be read."""

import argparse

import pytest

from ocsd import site_config
from ocsd.base import ERROR, OK
from ocsd.matched_client import MatchedClient
from ocsd.ocs_client import OCSClient, OCSReply
from tests.unit.client.stand_in_bridge import session


@pytest.fixture
def words(bridge):
    return ["--site=none", f"--site-http={bridge.url}"]


@pytest.fixture
def client(words):
    return OCSClient("dev1", args=words)


def actions(bridge):
    return [args[0] for procedure, args, _ in bridge.calls if procedure.endswith(".ops")]


def test_a_task_is_started_and_waited_for_when_it_is_called(client, bridge):
    reply = client.init(delay=1.5, mode="a")
    assert (reply.status, reply.session["session_id"]) == (OK, 1)
    assert actions(bridge) == ["start", "wait"]
    assert bridge.calls[1][1][2] == {"delay": 1.5, "mode": "a"}


def test_a_task_that_is_refused_is_not_waited_for(client, bridge, agent):
    agent.refusal = "Param 'mode' is required and must not be None"
    assert client.init() == (ERROR, agent.refusal, {})
    assert actions(bridge) == ["start"]


def test_a_task_whose_place_is_taken_says_so(client, agent, monkeypatch):
    started = agent.op

    def op(action, *args, **kwargs):
        if action == "wait":  # somebody else has started it again
            agent.next_session += 1
        return started(action, *args, **kwargs)

    monkeypatch.setattr(agent, "op", op)
    status, text, _ = client.init()
    assert status == ERROR
    assert text == 'Run 1 of "init" has ended and its result is lost: run 2 took its place.'


def test_each_method_asks_for_its_action(client, bridge):
    for ask in (client.init.start, client.init.status, client.init.abort, client.init.wait):
        assert ask().status == OK
    for ask in (client.acq.start, client.acq.status, client.acq.stop, client.acq.wait, client.acq):
        assert ask().status == OK
    assert actions(bridge) == [
        *("start", "status", "abort", "wait"),
        *("start", "status", "stop", "wait", "status"),
    ]
    assert not hasattr(client.init, "stop")
    assert not hasattr(client.acq, "abort")


def test_the_docstring_of_an_operation_is_where_help_looks(client):
    assert "Set the device up." in client.init.__doc__
    assert "Set the device up." in client.init.start.__doc__
    assert "Read it." in client.acq.start.__doc__


def test_a_misspelt_operation_is_an_error_with_a_proposal(client):
    with pytest.raises(AttributeError, match=r"'dev1' has no operation 'innit'.*'init'"):
        client.innit()


def test_names_with_hyphens_and_spaces_become_attributes(words, agent, monkeypatch):
    api = agent.api()
    api["tasks"] = [["set-the value", *api["tasks"][0][1:]]]
    monkeypatch.setattr(agent, "api", lambda: api)
    assert OCSClient("dev1", args=words).set_the_value.status().msg == "status set-the value"


def test_a_password_is_sent_only_to_agents_that_know_of_it(words, bridge, agent, monkeypatch):
    OCSClient("dev1", privs="secret", args=words).acq.stop()
    assert bridge.calls[-1][2] == {"password": "secret"}
    OCSClient("dev1", privs=1, args=words).acq.stop()
    assert bridge.calls[-1][2] == {}
    old = {key: value for key, value in agent.api().items() if key != "access_control"}
    monkeypatch.setattr(agent, "api", lambda: old)
    OCSClient("dev1", privs="secret", args=words).acq.stop()
    assert bridge.calls[-1][2] == {}


def test_a_client_sends_the_password_of_the_file(words, bridge, tmp_path, monkeypatch):
    file = tmp_path / "passwords.yaml"
    monkeypatch.setenv("OCS_PASSWORDS_FILE", str(file))
    file.touch(0o600)
    file.write_text(
        "- {agent_class: TestAgent, password_2: two}\n- {default: true, password_3: c}\n"
    )
    OCSClient("dev1", privs=3, args=words).acq.stop()
    assert bridge.calls[-1][2] == {"password": "c"}


def test_a_client_asks_our_director_for_a_token(words, bridge, agent, monkeypatch):
    api = {**agent.api(), "access_control": {"version": 1, "director": "access-dir"}}
    monkeypatch.setattr(agent, "api", lambda: api)
    OCSClient("dev1", privs="secret", args=words).acq.stop()
    asked = [call for call in bridge.calls if call[0] == "observatory.access-dir.request_token"]
    assert len(asked) == 1
    # The stand-in has no such procedure, as OCS's director has none.
    assert bridge.calls[-1][2] == {"password": "secret"}


def test_an_address_and_a_namespace_do_as_well(words, bridge):
    parsed = site_config.parse_args(agent_class="*control*", args=words)
    assert isinstance(parsed, argparse.Namespace)
    for name in ("dev1", "observatory.dev1"):
        assert OCSClient(name, args=parsed).init.status().status == OK
    assert repr(MatchedClient("dev1", args=words)) == "MatchedClient('dev1')"
    assert {procedure for procedure, *_ in bridge.calls} == {
        "observatory.dev1",
        "observatory.dev1.ops",
    }


def test_a_site_gives_the_router_and_only_http_is_offered(bridge):
    hub = {"wamp_server": "ws://localhost:1/ws", "wamp_http": bridge.url}
    site = site_config.SiteConfig.from_dict({"hub": hub})
    assert site_config.get_control_client("dev1", site=site).get_tasks()
    with pytest.raises(ValueError, match="wampy"):
        site_config.get_control_client("dev1", site=site, client_type="wampy")


def test_a_reply_prints_what_one_wants_to_know():
    text = repr(OCSReply(OK, "Session active.", session(4)))
    assert text.splitlines()[0] == "OCSReply: OK : Session active."
    assert "init[session=4]; status=done without error" in text
    assert "took 1.5 s" in text
    assert 'Status is now "starting".' in text
    assert "{'steps': 3}" in text
    running = repr(OCSReply(OK, "", session(4, "running", None)))
    assert "status=running for " in running
    assert "with ERROR" in repr(OCSReply(OK, "", session(4, success=False)))


def test_a_reply_prints_whatever_it_is_given():
    assert "has not run" in repr(OCSReply(OK, "Idle.", {}))
    assert repr(OCSReply(7, "?", None)).startswith("OCSReply: 7 : ?")
    assert "{'strange': 1}" in repr(OCSReply(ERROR, "no", {"strange": 1}))
