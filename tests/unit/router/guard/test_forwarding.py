"""The bridge of a host speaks for those who are there, and for nobody else."""

import pytest

from ocsd.access.rules import Party, SiteRules, refusal
from ocsd.router.guard.forwarding import LONGEST_PARTY, speaker

HOMES = {"thermo": "hub", "distant": "far", "outpost": "leaf", "chief": "hub", "second": "leaf"}
AT_HUB = SiteRules(
    "observatory",
    frozenset({"chief", "second"}),
    hub="hub",
    homes=HOMES,
    leaves=frozenset({"leaf"}),
)
AT_LEAF = AT_HUB._replace(hub="leaf", site_hub="hub")
BRIDGE = Party("leaf", "host")


def spoken_for(rules, authid, role, who=BRIDGE):
    return speaker(rules, who, [{"session": 7, "authid": authid, "authrole": role}])


@pytest.mark.parametrize(
    ("authid", "role", "shown"),
    [
        ("unix:alice", "operator", ("alice@leaf", "operator")),
        ("unix:alice ocsd (alice@lab)", "viewer", ("alice@leaf", "viewer")),
        ("unix:root", "host", ("root@leaf", "host")),
        ("otto", "admin", ("otto@leaf", "admin")),
        ("root@hub", "expert", ("root@hub@leaf", "expert")),
        ("leaf", "host", ("leaf", "host")),
        ("outpost", "agent", ("outpost", "agent")),
        ("of-no-file", "agent", ("of-no-file", "agent")),
        ("second", "director", ("second", "director")),
    ],
)
def test_a_leaf_speaks_for_itself_and_for_whoever_is_there(authid, role, shown):
    assert spoken_for(AT_HUB, authid, role) == shown


@pytest.mark.parametrize(
    ("authid", "role"),
    [
        ("hub", "host"),
        ("far", "host"),
        ("thermo", "agent"),
        ("chief", "director"),
        ("outpost", "director"),
        ("second", "agent"),
        ("leaf", "ocs-bridge"),
        ("leaf", "ocs"),
        ("", "admin"),
        (None, "host"),
        ("otto", ""),
        # A name that looks like a place would be shown as one, without the leaf.
        ("tcp4:10.0.0.5:22", "admin"),
        ("unix:unix:root", "host"),
        ("unix: ", "admin"),
        ("outpost (really)", "agent"),
    ],
)
def test_it_speaks_for_nobody_of_another_host(authid, role):
    assert spoken_for(AT_HUB, authid, role) is None


@pytest.mark.parametrize(
    ("authid", "role", "shown"),
    [
        ("otto", "operator", "otto"),
        ("unix:simon", "admin", "simon@hub"),
        ("alice@other-leaf", "operator", "alice@other-leaf"),
        ("hub", "host", "hub"),
        ("thermo", "agent", "thermo"),
        ("chief", "director", "chief"),
    ],
)
def test_at_its_own_router_it_speaks_for_all_others_of_the_site(authid, role, shown):
    assert spoken_for(AT_LEAF, authid, role) == (shown, role)


@pytest.mark.parametrize("rules", [AT_HUB, AT_LEAF])
def test_nobody_else_speaks_for_anybody(rules):
    others = [("far", "host"), ("hub", "host"), ("unix:root", "host"), ("leaf", "agent")]
    for who in (*others, ("leaf", "admin"), ("leaf", "viewer"), ("leaf", "director")):
        assert spoken_for(rules, "otto", "viewer", Party(*who)) is None
    assert spoken_for(AT_LEAF, "otto", "ocs-bridge") is None
    one = {"session": 1, "authid": "unix:alice", "authrole": "viewer"}
    assert speaker(rules, BRIDGE, [one, one]) is None
    assert speaker(rules, BRIDGE, []) is None


def test_signs_that_steer_a_terminal_are_no_part_of_a_name():
    assert spoken_for(AT_HUB, "al\x1bice\nroot", "viewer") == ("al@leaf", "viewer")
    assert spoken_for(AT_HUB, " thermo\t", "agent") is None


def test_a_name_has_an_end():
    shown = spoken_for(AT_HUB, "unix:" + "a" * 10_000, "viewer")
    assert len(shown.authid) < LONGEST_PARTY + len("@leaf")


def test_a_bridge_may_do_at_each_router_what_it_needs_and_no_more():
    def allowed(rules, action, uri, match="exact", who=BRIDGE):
        return refusal(rules, who, action, f"observatory.{uri}", match) is None

    assert allowed(AT_LEAF, "register", "", "prefix")
    assert not allowed(AT_HUB, "register", "", "prefix")
    assert not allowed(AT_LEAF, "register", "", "prefix", Party("unix:root", "host"))
    assert not allowed(AT_LEAF, "register", "thermo.", "prefix")
    for rules in (AT_HUB, AT_LEAF):
        assert allowed(rules, "subscribe", "chief.feeds.controls")
        assert allowed(rules, "publish", "ocsd.duplicates")
        assert allowed(rules, "register", "outpost.ops")
        assert not allowed(rules, "subscribe", "chief.feeds.controls", who=Party("far", "host"))
        assert not allowed(rules, "publish", "ocsd.duplicates", who=Party("far", "host"))
    assert allowed(AT_LEAF, "publish", "chief.feeds.controls")
    assert not allowed(AT_HUB, "publish", "chief.feeds.controls")
    assert allowed(AT_HUB, "publish", "second.feeds.controls")
    assert not allowed(AT_HUB, "register", "chief.agent_poll")
    assert allowed(AT_HUB, "register", "second.agent_poll")
    assert not allowed(AT_HUB, "register", "thermo.ops")
    assert not allowed(AT_HUB, "publish", "thermo.feeds.heartbeat")
    for uri in ("wamp.session.count", "wamp.registration.lookup"):
        assert refusal(AT_HUB, BRIDGE, "call", uri) is None
        assert refusal(AT_HUB, Party("otto", "admin"), "call", uri)
