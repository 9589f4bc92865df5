"""The description of the parameters of an operation in get_api."""

import pytest

from ocsd.agent.operations.operation import AgentTask
from ocsd.agent.operations.params import param


def described(*decorators):
    def operation(session, params):
        """Do it."""

    for decorate in reversed(decorators):
        operation = decorate(operation)
    return AgentTask(operation).encoded()["params"]


def test_parameters_are_described_in_the_order_of_the_source():
    assert described(param("first", type=float), param("second", default=2)) == [
        {"key": "first", "type": "float", "default": None, "choices": None, "required": True},
        {"key": "second", "type": None, "default": 2, "choices": None, "required": False},
    ]


def test_no_parameters_is_not_the_same_as_none_declared():
    assert described(param("_")) == []
    assert described(param("_no_check_strays")) == []
    assert described() is None


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"default": None}, {"default": None, "required": False}),
        ({"default": float("inf")}, {"default": None, "required": False}),
        ({"default": (1, 2)}, {"default": [1, 2]}),
        ({"choices": ("a", "b")}, {"choices": ["a", "b"], "required": True}),
        ({"choices": {"a": 1}}, {"choices": ["a"]}),
        ({"cast": int}, {"type": "int"}),
        ({"cast": lambda value: value}, {"type": None}),
    ],
)
def test_every_declaration_can_be_sent(rules, told):
    (answer,) = described(param("value", **rules))
    assert {key: answer[key] for key in told} == told
