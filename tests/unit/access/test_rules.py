"""The rules of a closed site's router, request by request."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.access.roles import PERSONS, Role
from ocsd.access.rules import Party, SiteRules, refusal

RULES = SiteRules("observatory", frozenset({"chief"}))
THERMO = Party("thermo1", "agent")
CHIEF = Party("chief", "director")
HOST = Party("grumpy", "host")
VERA, OTTO = Party("vera", "viewer"), Party("otto", "operator")
CONTROLS = "observatory.chief.feeds.controls"


def allowed(who, action, uri, match="exact", forwarded=False):
    return refusal(RULES, who, action, uri, match, forwarded) is None


def test_agents_and_hosts_may_ask_who_subscribes_and_change_nothing_there():
    for who in (THERMO, HOST):
        assert allowed(who, "call", "wamp.subscription.list")
        assert allowed(who, "subscribe", "wamp.subscription.on_subscribe")
        assert not allowed(who, "subscribe", "wamp.subscription.", "prefix")
        assert not allowed(who, "call", "wamp.subscription.remove_subscriber")
        assert not allowed(who, "register", "wamp.subscription.list")
        assert not allowed(who, "publish", "wamp.subscription.on_subscribe")
    assert not allowed(VERA, "call", "wamp.subscription.list")
    assert not allowed(OTTO, "subscribe", "wamp.subscription.on_subscribe")


@pytest.mark.parametrize(
    ("who", "action", "uri"),
    [
        (THERMO, "register", "observatory.thermo1"),
        (THERMO, "register", "observatory.thermo1.ops"),
        (THERMO, "publish", "observatory.thermo1.feeds.heartbeat"),
        (THERMO, "call", "observatory.other.ops"),
        (THERMO, "subscribe", "observatory.other.feeds.temperatures"),
        (THERMO, "subscribe", CONTROLS),
        (CHIEF, "publish", CONTROLS),
        (CHIEF, "register", "observatory.chief.agent_poll"),
        (CHIEF, "register", "observatory.chief.request_exclusive"),
        (CHIEF, "register", "observatory.chief.ops"),
        (CHIEF, "publish", "observatory.chief.feeds.heartbeat"),
        (HOST, "register", "observatory.registry.ops"),
        (HOST, "publish", "observatory.registry.feeds.agent_activity"),
        (HOST, "register", "observatory.ocsd.grumpy.control"),
        (HOST, "call", "observatory.ocsd.lab-2.control"),
        (VERA, "call", "observatory.ocsd.grumpy.control"),
        (OTTO, "call", "observatory.ocsd.grumpy.control"),
        (VERA, "call", "observatory.thermo1.ops"),
        (VERA, "subscribe", "observatory.thermo1.feeds.heartbeat"),
        (OTTO, "call", "observatory.thermo1"),
        (THERMO, "register", "observatory.thermo1.spool"),
        (THERMO, "register", "observatory.thermo1.own.procedure"),
        (THERMO, "call", "observatory.other.spool"),
        (CHIEF, "register", "observatory.chief.request_token"),
        (OTTO, "call", "observatory.chief.request_exclusive"),
        (Party("bridge", "ocs-bridge"), "call", "observatory.thermo1.ops"),
    ],
)
def test_what_everybody_needs_is_allowed(who, action, uri):
    assert allowed(who, action, uri)


@pytest.mark.parametrize(
    ("who", "action", "uri"),
    [
        (THERMO, "register", "observatory.other.ops"),
        (THERMO, "register", "observatory.ocsd.grumpy.control"),
        (Party("ocsd", "agent"), "register", "observatory.ocsd.grumpy.control"),
        (HOST, "register", "observatory.ocsd.lab-2.control"),
        (VERA, "register", "observatory.ocsd.grumpy.control"),
        (THERMO, "register", "observatory.thermo1.agent_poll"),
        (THERMO, "register", "observatory.thermo1.feeds.x"),
        (THERMO, "register", "observatory.thermo1.feeds"),
        (THERMO, "register", "observatory.thermo1.request_token"),
        (OTTO, "call", "observatory.thermo1.spool"),
        (HOST, "register", "observatory.thermo1.feeds.x"),
        (THERMO, "publish", "observatory.other.feeds.heartbeat"),
        (THERMO, "publish", "observatory.thermo1"),
        (THERMO, "publish", "observatory.thermo1.feeds.controls"),
        (THERMO, "publish", "observatory.thermo10.feeds.x"),
        (THERMO, "publish", CONTROLS),
        (THERMO, "call", "wamp.session.kill"),
        (THERMO, "subscribe", "observatoryx.y"),
        (Party("chief", "agent"), "publish", CONTROLS),
        (Party("mutineer", "director"), "publish", "observatory.mutineer.feeds.controls"),
        (CHIEF, "publish", "observatory.other.feeds.controls"),
        (CHIEF, "register", "observatory.other.agent_poll"),
        (HOST, "publish", CONTROLS),
        (HOST, "register", "observatory.chief.agent_poll"),
        (HOST, "subscribe", CONTROLS),
        (VERA, "subscribe", CONTROLS),
        (VERA, "publish", "observatory.thermo1.feeds.x"),
        (OTTO, "register", "observatory.otto"),
        (Party("admin", "admin"), "publish", CONTROLS),
        (Party("bridge", "ocs-bridge"), "register", "observatory.thermo1"),
        (VERA, "call", "observatory.thermo1.own.procedure"),
        (Party("x", "ocs"), "call", "observatory.thermo1"),
        (Party("x", ""), "call", "observatory.thermo1"),
    ],
)
def test_all_else_is_refused_with_a_sentence(who, action, uri):
    reason = refusal(RULES, who, action, uri)
    assert reason is not None
    assert "\n" not in reason


@pytest.mark.parametrize("match", ["prefix", "wildcard"])
@pytest.mark.parametrize("who", [THERMO, CHIEF, HOST, OTTO])
def test_nobody_registers_a_pattern(who, match):
    assert "exact addresses only" in refusal(RULES, who, "register", "observatory.thermo1", match)


@pytest.mark.parametrize(
    ("authid", "instance_id", "may"),
    [
        ("grumpy", "thermo1", True),
        ("grumpy", "new", True),
        ("grumpy", "other", False),
        ("hub", "other", True),
        ("unix:ocs", "other", True),
    ],
)
def test_a_host_speaks_for_no_agent_of_another_host(authid, instance_id, may):
    site = RULES._replace(hub="hub", homes={"thermo1": "grumpy", "other": "sneezy"})
    who = Party(authid, "host")
    for action, rest in (("register", "ops"), ("publish", "feeds.heartbeat")):
        reason = refusal(site, who, action, f"observatory.{instance_id}.{rest}")
        assert (reason is None) == may, reason


@pytest.mark.parametrize("who", [THERMO, VERA, HOST])
def test_patterns_of_feeds_are_subscribed_to(who):
    assert allowed(who, "subscribe", "observatory..feeds.", "wildcard")
    assert allowed(who, "subscribe", "observatory..feeds.heartbeat", "wildcard")
    assert allowed(who, "subscribe", "observatory.", "prefix")
    assert not allowed(who, "subscribe", "", "prefix")
    assert not allowed(who, "subscribe", "...", "wildcard")


@pytest.mark.parametrize("who", [THERMO, CHIEF, HOST, VERA, Party("root", "admin")])
@pytest.mark.parametrize("action", ["call", "register", "publish", "subscribe"])
def test_nobody_speaks_in_the_name_of_somebody_else(who, action):
    assert "in the name of" in refusal(RULES, who, action, "observatory.thermo1", "exact", True)


def test_the_bridge_speaks_for_its_clients():
    bridge = Party("bridge", "ocs-bridge")
    assert allowed(bridge, "call", "observatory.thermo1.ops", forwarded=True)


@settings(max_examples=60)
@given(
    st.sampled_from([*PERSONS, Role.AGENT, Role.HOST, Role.BRIDGE, Role.OCS]),
    st.sampled_from(["chief", "thermo1", "", "x"]),
    st.sampled_from(["publish", "register"]),
    st.sampled_from(["exact", "prefix", "wildcard"]),
    st.sampled_from(["feeds.controls", "agent_poll", "request_exclusive", "request_token"]),
)
def test_only_a_director_of_the_site_ever_controls(role, authid, action, match, rest):
    uri = f"observatory.chief.{rest}"
    assert not allowed(Party(authid, role), action, uri, match)
