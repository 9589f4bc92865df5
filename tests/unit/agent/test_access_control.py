"""Agents and their clients: who may start, stop and abort (published OCS's texts and order)."""

import json
from argparse import Namespace
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred

from ocsd.access.level_rules import WireHash, WirePassword
from ocsd.agent.agent import OCSAgent
from ocsd.agent.guard.directed import KEPT_RULES
from ocsd.agent.guard.guard import LevelGuard
from ocsd.bus.wamp import ComponentConfig, SubscribeOptions
from ocsd.errors import AgentArgumentsError
from tests.unit.agent.test_joining import Link

CONTROLS = "observatory.access-dir.feeds.controls"
LOW = "The action requires credential level {} but the client has only level {}"


def an_agent(policy, folder=None, closed=False, **operation):
    args = Namespace(instance_id="thermo1", access_policy=policy, address_root="observatory")
    agent = OCSAgent(ComponentConfig("test_realm"), args, "observatory.thermo1", "ThermoAgent")
    launch = SimpleNamespace(hub=SimpleNamespace(is_closed=closed))
    if folder is not None or closed:
        agent.subscribed_topics.clear()
        agent._standing._all.clear()
        agent.guard = LevelGuard(agent, launch, folder)
    agent.register_process(
        "acq",
        lambda s, p: Deferred(),
        lambda s, p: s.set_status("stopping"),
        blocking=False,
        **operation,
    )
    return agent


def asks(agent, action="start", op="acq", password=None, role="ocs"):
    """Return code and text of the answer to a client."""
    details = SimpleNamespace(caller=7, caller_authid="otto", caller_authrole=role)
    answer = agent.operations.handle(action, op, {}, password=password, details=details)
    return answer[:2]


def refused(required, has, detail=""):
    return (-1, LOW.format(required, has) + detail)


def rule(password, level, **more):
    return {
        "hashed_pass": WirePassword.of(WireHash.MD5, password)._asdict(),
        "cred_level": level,
        "scope_spec": {"default": True, "agent_class": None, "instance_id": None},
        **more,
    }


FREE = {**rule("", 1), "hashed_pass": {"hash": "none", "value": ""}}


def controls(step, *rules, session="1", **more):
    message = {"ac_version": 1, "step": step, "reset": True, "rules": list(rules), **more}
    return [message, {"session_id": session}]


def test_without_a_policy_everybody_has_level_1(reactor):
    agent = an_agent("none", min_privs=2)
    detail = " No access policy -- level 1 for all."
    assert asks(agent) == refused("2-ADVANCED", "1-BASIC", detail)
    assert asks(agent, "stop") == refused("2-ADVANCED", "1-BASIC")
    assert asks(agent, password="x")[0] == -1
    assert asks(agent, "status") == (0, "No session active.")


def test_what_the_agent_starts_and_ends_itself_is_always_allowed(reactor):
    for policy, level in (("none", 1), ("director:access-dir", 4)):
        agent = an_agent(policy, min_privs=3, startup=True)
        agent.attach(Link())
        reactor.advance(0)
        assert agent.sessions["acq"].status == "running"
        assert agent.sessions["acq"].cred_level == level
        agent.detach()
        agent.end_operations(1).cancel()
        assert agent.sessions["acq"].status == "stopping"


def test_code_of_the_author_names_the_agent_as_its_password(reactor):
    agent = an_agent("director:access-dir")
    assert agent.start("acq")[0] == -1
    assert agent.start("acq", password=agent)[0] == 0
    assert agent.stop("acq")[0] == -1
    assert agent.stop("acq", password=agent)[0] == 0
    reactor.advance(0)


def test_passwords_of_the_arguments_give_levels(reactor):
    agent = an_agent("override:two,three", min_privs=3)
    assert agent.access_data["policy"] == "override"
    assert asks(agent) == refused("3-FULL", "1-BASIC")
    assert asks(agent, password="two") == refused("3-FULL", "2-ADVANCED")
    assert asks(agent, password=["three"]) == refused("3-FULL", "1-BASIC")
    assert asks(agent, password="three") == (0, 'Started process "acq".')
    reactor.advance(0)
    assert agent.sessions["acq"].encoded()["cred_level"] == 3
    assert asks(agent, "stop", password="two") == refused("3-FULL", "2-ADVANCED")
    assert asks(agent, "stop", password="three")[0] == 0


def test_the_order_of_refusals_is_that_of_ocs(reactor):
    agent = an_agent("director:access-dir")
    assert asks(agent, op="other") == (-1, 'No task or process called "other"')
    assert asks(agent, "abort")[1].startswith('Cannot "abort" "acq"')
    assert asks(agent, "stop") == refused("1-BASIC", "0-BLOCKED")  # before "No session active."
    agent.start("acq", password=agent)
    assert asks(agent) == (-1, 'Operation "acq" already in progress.')
    reactor.advance(0)


def test_an_agent_of_a_director_is_blocked_until_it_is_told(reactor):
    agent = an_agent("director:access-dir", min_privs=2)
    assert asks(agent) == refused("2-ADVANCED", "0-BLOCKED")
    agent.guard._source.take(controls(3, FREE, rule("two", 2)))
    report = agent._describe()["access_control"]
    assert (report["version"], report["policy"]) == (1, "director")
    assert (report["update_count"], report["step"]) == (1, 3)
    assert asks(agent) == refused("2-ADVANCED", "1-BASIC")
    assert asks(agent, password="two") == (0, 'Started process "acq".')
    reactor.advance(0)


def test_a_lockout_is_named_where_a_start_is_refused(reactor):
    agent = an_agent("director:access-dir", min_privs=2)
    grant = rule("grant", 2, lockout_id="cal", lockout_owner="me", lockout_levels=[1, 2, 3])
    agent.guard._source.take(controls(3, FREE, rule("two", 2), grant))
    detail = " Privileges diminished; lockouts active: ['cal[me]']"
    assert asks(agent, password="two") == refused("2-ADVANCED", "0-BLOCKED", detail)
    assert asks(agent, "stop", password="two") == refused("2-ADVANCED", "0-BLOCKED")
    assert asks(agent, password="grant")[0] == 0
    reactor.advance(0)


def test_after_each_join_the_director_is_subscribed_and_polled(reactor):
    agent = an_agent("director:access-dir")
    link = Link(refuses=("observatory.access-dir.agent_poll",))
    agent.attach(link)
    [(_, topic, options)] = [each for each in link.asked if each[0] == "subscribe"]
    assert topic == CONTROLS
    assert isinstance(options, SubscribeOptions)
    who = {"instance_id": "thermo1", "agent_class": "ThermoAgent"}
    assert ("call", "observatory.access-dir.agent_poll", (), who) in link.asked
    agent.detach()


def publisher(role):
    return SimpleNamespace(publisher_authrole=role, publisher_authid="x")


@pytest.mark.parametrize(
    ("closed", "role", "counts"),
    [
        (False, None, True),
        (False, "ocs", True),
        (False, "iocs_agent", True),  # as the routers of OCS name it
        (False, "agent", False),
        (True, "iocs_agent", False),
        (True, "director", True),
        (True, "agent", False),
        (True, "admin", False),
        (True, None, False),
    ],
)
def test_on_a_closed_site_only_the_director_tells_rules(reactor, closed, role, counts):
    agent = an_agent("director:access-dir", closed=closed)
    agent.guard._source.take(controls(1, FREE), details=publisher(role))
    assert agent.access_data["update_count"] == int(counts)


@pytest.mark.parametrize("pair", [None, 5, [], [{}], controls(1, {"cred_level": 9}), [1, 2, 3]])
def test_a_message_that_cannot_be_read_changes_nothing(reactor, pair):
    agent = an_agent("director:access-dir")
    agent.guard._source.take(controls(1, FREE))
    agent.guard._source.take(pair)
    assert agent.access_data["update_count"] == 1


def test_the_last_rules_are_kept_for_a_life_without_a_director(reactor, tmp_path):
    agent = an_agent("director:access-dir", tmp_path, min_privs=2)
    agent.guard._source.take(controls(3, rule("two", 2)))
    kept = tmp_path / KEPT_RULES
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "two" not in kept.read_text()
    later = an_agent("director:access-dir", tmp_path, min_privs=2)
    assert later.access_data["update_count"] == later.access_data["step"] == 0
    assert asks(later) == refused("2-ADVANCED", "0-BLOCKED")
    assert asks(later, password="two")[0] == 0
    reactor.advance(0)


@pytest.mark.parametrize("fault", ["mode", "text", "version"])
def test_kept_rules_that_cannot_be_trusted_are_not_used(reactor, tmp_path, fault):
    an_agent("director:access-dir", tmp_path).guard._source.take(controls(3, FREE))
    kept = tmp_path / KEPT_RULES
    match fault:
        case "mode":
            kept.chmod(0o644)
        case "text":
            kept.write_text("{")
        case "version":
            kept.write_text(json.dumps({"ac_version": 2, "rules": []}))
    agent = an_agent("director:access-dir", tmp_path)
    assert asks(agent) == refused("1-BASIC", "0-BLOCKED")


@pytest.mark.parametrize(
    ("role", "level"),
    [
        ("viewer", 0),
        ("operator", 1),
        ("expert", 2),
        ("admin", 3),
        ("host", 4),
        ("agent", 1),
        ("gate", 0),
        ("unheard-of", 0),
        ("ocs", 0),
    ],
)
def test_on_a_closed_site_the_role_decides(reactor, role, level):
    for required in (1, 2, 3):
        agent = an_agent("none", closed=True, min_privs=required)
        assert (asks(agent, role=role)[0] == 0) is (level >= required)
        assert asks(agent, "status", role=role)[0] == 0
        reactor.advance(0)


@pytest.mark.parametrize(
    ("true_role", "claim", "started_by"),
    [
        ("host", {"person": "olga", "role": "operator", "address": "tcp:10.0.0.5:1"}, "olga"),
        ("host", {"person": "vera", "role": "viewer"}, None),
        ("host", {"person": "eve", "role": "host"}, None),
        ("host", {"person": 5, "role": ["admin"]}, None),
        ("host", "olga", "otto"),
        ("operator", {"person": "olga", "role": "admin"}, "otto"),
        ("viewer", {"person": "olga", "role": "admin"}, None),
    ],
)
def test_only_a_host_calls_for_somebody_else(reactor, true_role, claim, started_by):
    agent = an_agent("none", closed=True)
    details = SimpleNamespace(caller=7, caller_authid="otto", caller_authrole=true_role)
    answer = agent.operations.handle("start", "acq", {}, details=details, caller=claim)
    assert (answer[0] == 0) is (started_by is not None)
    if started_by:
        assert answer[2]["started_by"]["name"].startswith(f"{started_by} (")
    [request] = agent.operations.requests
    assert request.outcome == ("refused", "done")[answer[0] == 0]
    reactor.advance(0)


def test_a_role_counts_first_and_a_password_second(reactor):
    agent = an_agent("override:two,three", closed=True, min_privs=2)
    assert asks(agent, role="viewer") == refused("2-ADVANCED", "0-BLOCKED")
    assert asks(agent, role="operator", password="wrong") == refused("2-ADVANCED", "1-BASIC")
    assert asks(agent, role="viewer", password="two")[0] == 0
    reactor.advance(0)


def test_a_policy_that_would_not_be_in_force_is_refused(reactor):
    with pytest.raises(AgentArgumentsError, match="not known"):
        an_agent("director")
