"""The level of a client: by its password, its role, and the lockouts of others."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.access.level_rules import (
    BLOCKED,
    AccessRule,
    WireHash,
    WirePassword,
    covering,
    credentials,
    free_level,
    rules_of,
    rules_of_override,
)
from ocsd.access.levels import ITSELF, UNCONTROLLED, CredLevel, GrantedLevel
from ocsd.access.scope import AccessTarget, Scope

FAKER = AccessTarget("FakeDataAgent", "faker1")
TWO, THREE = CredLevel.ADVANCED, CredLevel.FULL


def md5(clear):
    return WirePassword.of(WireHash.MD5, clear)


GRANT = AccessRule(
    md5("of the grant"), TWO, Scope(agent_class="Fake*"), "cal", "grantee", (TWO, THREE)
)
RULES = (free_level(), AccessRule(md5("two"), TWO), AccessRule(md5("three"), THREE))


def test_the_hash_is_the_first_half_of_md5():
    assert md5("two") == ("md5", hashlib.md5(b"two").hexdigest()[:16])


@pytest.mark.parametrize(
    ("password", "given", "fits"),
    [
        (WirePassword("none", "clear"), "clear", True),
        (WirePassword("none", "clear"), "", False),
        (WirePassword("none"), "anything", True),
        (WirePassword("md5"), "anything", True),
        (BLOCKED, "", False),
        (BLOCKED, "anything", False),
        (md5("two"), "two", True),
        (md5("two"), md5("two").value, False),
        (WirePassword("scrypt", "x"), "x", False),
        (md5("grün"), "grün", True),
    ],
)
def test_a_password_fits_by_its_hash(password, given, fits):
    assert password.fits(given) is fits


@pytest.mark.parametrize(("password", "level"), [("", 1), ("wrong", 1), ("two", 2), ("three", 3)])
def test_the_highest_rule_counts_whose_password_fits(password, level):
    assert credentials(RULES, FAKER, password) == GrantedLevel(CredLevel(level))
    assert credentials(rules_of_override(("two", "three")), FAKER, password).level == level


def test_without_a_rule_nothing_is_allowed():
    assert credentials((), FAKER, "two").level is CredLevel.BLOCKED
    other = AccessTarget("OtherAgent", "x")
    scoped = (AccessRule(md5("two"), TWO, Scope(agent_class="Fake*")),)
    assert credentials(scoped, other, "two").level is CredLevel.BLOCKED
    assert covering(scoped, other) == ()


def test_a_lockout_takes_its_levels_from_all_who_do_not_hold_it():
    rules = (*RULES, GRANT)
    detail = "Privileges diminished; lockouts active: ['cal[grantee]']"
    assert credentials(rules, FAKER, "three") == GrantedLevel(CredLevel.BASIC, detail)
    assert credentials(rules, FAKER, "") == GrantedLevel(CredLevel.BASIC)
    assert credentials(rules, FAKER, "of the grant") == GrantedLevel(TWO)
    assert credentials(rules, AccessTarget("Other", "x"), "three") == GrantedLevel(THREE)
    only_three = (*RULES, GRANT._replace(lockout_levels=(THREE,)))
    assert credentials(only_three, FAKER, "three").level is TWO


def test_a_role_gives_a_level_that_only_a_password_raises():
    assert credentials(RULES, FAKER, "", CredLevel.BLOCKED).level is CredLevel.BLOCKED
    assert credentials(RULES, FAKER, "two", CredLevel.BLOCKED).level is TWO
    assert credentials(RULES, FAKER, "two", THREE).level is THREE
    assert credentials((*RULES, GRANT), FAKER, "", THREE).level is CredLevel.BASIC
    assert credentials((*RULES, GRANT), FAKER, "", CredLevel.SUPERUSER) == ITSELF


def test_a_refusal_is_in_the_words_of_ocs():
    assert GrantedLevel(CredLevel.BLOCKED).refusal(TWO) == (
        "The action requires credential level 2-ADVANCED but the client has only level 0-BLOCKED"
    )
    assert GrantedLevel(TWO).refusal(TWO) == ""
    assert UNCONTROLLED.level == 1


def test_rules_survive_the_wire():
    rules = (*RULES, GRANT, AccessRule(None, TWO))
    assert rules_of([rule.as_json() for rule in rules]) == rules
    assert GRANT.as_json() == {
        "hashed_pass": {"hash": "md5", "value": md5("of the grant").value},
        "cred_level": 2,
        "scope_spec": {"default": False, "agent_class": "Fake*", "instance_id": None},
        "lockout_id": "cal",
        "lockout_owner": "grantee",
        "lockout_levels": [2, 3],
    }


@pytest.mark.parametrize(
    "rules",
    [
        None,
        "text",
        {"a": 1},
        [1],
        [{"cred_level": 5}],
        [{"cred_level": True}],
        [{"cred_level": "2"}],
        [{"cred_level": 1, "hashed_pass": "x"}],
        [{"cred_level": 1, "scope_spec": 5}],
        [{"cred_level": 1, "scope_spec": {"agent_class": 5}}],
        [{"cred_level": 1, "lockout_levels": 5}],
        [{"cred_level": 1, "lockout_levels": [9]}],
    ],
)
def test_rules_that_cannot_be_read_are_refused_as_a_whole(rules):
    with pytest.raises(ValueError, match=r"."):
        rules_of(rules)


levels = st.sampled_from(list(CredLevel)[:4])
passwords = st.sampled_from(["", "a", "b"])
some_rules = st.lists(
    st.builds(
        AccessRule,
        st.one_of(
            st.builds(WirePassword.of, st.sampled_from([WireHash.NONE, WireHash.MD5]), passwords),
            st.just(BLOCKED),
            st.none(),
        ),
        levels,
        st.sampled_from([Scope(default=True), Scope(agent_class="Fake*"), Scope(agent_class="X")]),
        st.none(),
        st.none(),
        st.lists(levels, max_size=2).map(tuple),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(some_rules, passwords, st.one_of(st.none(), levels))
def test_a_level_is_never_higher_than_role_and_fitting_rules_allow(rules, password, identity):
    level = credentials(rules, FAKER, password, identity).level
    fitting = [
        rule.level
        for rule in covering(rules, FAKER)
        if rule.password is not None and rule.password.fits(password)
    ]
    assert level <= max([identity or CredLevel.BLOCKED, *fitting])
    locked = {
        locked_level
        for rule in covering(rules, FAKER)
        if rule.password is None or not rule.password.fits(password)
        for locked_level in rule.lockout_levels
    }
    assert level is CredLevel.BLOCKED or level not in locked


@settings(max_examples=60, deadline=None)
@given(some_rules, passwords)
def test_a_role_without_a_password_is_never_raised(rules, password):
    free = [rule for rule in rules if rule.password is None or rule.password.is_free]
    assert credentials(free, FAKER, password, CredLevel.BLOCKED).level is CredLevel.BLOCKED


@settings(max_examples=60, deadline=None)
@given(some_rules)
def test_any_rules_survive_the_wire(rules):
    assert rules_of([rule.as_json() for rule in rules]) == tuple(rules)
