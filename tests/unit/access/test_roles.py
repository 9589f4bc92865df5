"""Roles have levels; a role that nobody of this site gave has none."""

import pytest

from ocsd.access.levels import CredLevel
from ocsd.access.roles import PERSONS, Role, level_of


def test_people_have_ascending_levels():
    assert [level_of(role) for role in PERSONS] == [0, 1, 2, 3]


@pytest.mark.parametrize("role", [Role.BRIDGE, "", "iocs_agent", "root"])
def test_who_calls_for_others_or_is_unknown_has_no_level(role):
    assert level_of(role) is CredLevel.BLOCKED


def test_agents_call_each_other_and_the_daemon_may_do_everything():
    assert level_of("agent") is level_of("director") is level_of("ocs") is CredLevel.BASIC
    assert level_of("host") is CredLevel.SUPERUSER
