"""Patterns of agents, and which of several rules is the most special one."""

import pytest

from ocsd.access.scope import AccessTarget, Pattern, Scope

FAKER = AccessTarget("FakeDataAgent", "faker4")


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("Director,Act*,*Producer*", "Director", True),
        ("Director,Act*,*Producer*", "Actuator", True),
        ("Director,Act*,*Producer*", "MyProducer2", True),
        ("Director,Act*,*Producer*", "Other", False),
        ("*Agent,!FakeDataAgent", "FakeDataAgent", False),
        ("*Agent,!FakeDataAgent", "ThermoAgent", True),
        ("!FakeDataAgent", "anything", True),
        ("compute*,login*,!*9,!*8", "compute7", True),
        ("compute*,login*,!*9,!*8", "login9", False),
        ("", "anything", True),
        (",!", "anything", True),
    ],
)
def test_a_pattern_is_a_list_of_wanted_and_unwanted_names(pattern, name, fits):
    assert Pattern.of(pattern).fits(name) is fits


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        (Scope(), False),
        (Scope(default=True), True),
        (Scope(default=True, instance_id="other"), True),
        (Scope(agent_class="Fake*"), True),
        (Scope(agent_class="Fake*", instance_id="other"), False),
        (Scope(agent_class="Fake*", instance_id="!faker1"), True),
        (Scope(instance_id=""), True),
    ],
)
def test_a_scope_covers_what_fits_all_its_patterns(scope, covers):
    assert scope.covers(FAKER) is covers


@pytest.mark.parametrize(
    ("scope", "rank"),
    [
        (Scope(default=True, instance_id="faker4"), 0),
        (Scope(), -1),
        (Scope(instance_id=""), -1),
        (Scope(agent_class="!A"), 1),
        (Scope(instance_id="!a"), 2),
        (Scope(agent_class="A"), 4),
        (Scope(agent_class="A,!B"), 5),
        (Scope(instance_id="a"), 8),
        (Scope(agent_class="A,!B", instance_id="a,!b"), 15),
    ],
)
def test_instance_ids_are_more_special_than_classes(scope, rank):
    assert scope.specificity == rank


@pytest.mark.parametrize("data", [{"default": "yes"}, {"agent_class": 5}, {"instance_id": []}])
def test_a_scope_of_other_types_is_refused(data):
    with pytest.raises(ValueError, match=next(iter(data))):
        Scope.of(data)
