"""The access policies of agents."""

from unittest.mock import MagicMock

import pytest

from ocsd.access.policy import AccessPolicy, PolicyKind, policy_of
from ocsd.errors import AgentArgumentsError


@pytest.mark.parametrize("text", [None, "", "none", MagicMock()])
def test_without_a_policy_there_is_no_access_control(text):
    assert policy_of(text) == AccessPolicy(PolicyKind.NONE)


def test_a_director_has_a_name_of_its_own_or_the_usual_one():
    assert policy_of("director:access-dir").director == "access-dir"
    assert policy_of("director:").director == "access-director"


def test_passwords_of_two_levels_are_not_shown():
    policy = policy_of("override:two,three")
    assert policy.passwords == ("two", "three")
    assert "two" not in repr(policy)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("director", "access policy 'director' is not known"),
        ("override", "needs two passwords"),
        ("override:hunter2", "needs two passwords"),
        ("override:hunter2,b,c", "needs two passwords"),
        ("overide:hunter2,b", "access policy 'overide:…' is not known"),
    ],
)
def test_another_policy_is_refused_without_its_passwords(text, says):
    with pytest.raises(AgentArgumentsError, match=says) as refused:
        policy_of(text)
    assert "hunter2" not in str(refused.value)
