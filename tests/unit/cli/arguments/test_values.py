"""The values of `ocsd call`, by the type that an agent declares for a parameter."""

import pytest

from ocsd.agent.operations.params import described, param
from ocsd.cli.arguments import values


@pytest.mark.parametrize(
    "text", ["1.1", "1.10", "1e5", "12", "true", "007", "null", "[1, 2]", "NaN", "a b", "", "{}"]
)
def test_a_text_is_passed_as_it_is_written(text):
    assert values.read(text, "str") == text


def test_a_text_in_quotes_of_json_loses_them_as_before():
    assert values.read('"1.1"', "str") == "1.1"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5", "int", 5),
        ("007", "int", 7),
        ("-3", "int", -3),
        ("abc", "int", "abc"),
        ("2.5", "float", 2.5),
        (".5", "float", 0.5),
        ("1e3", "float", 1000.0),
        ("nan", "float", "nan"),
        ("1e999", "float", "1e999"),
        ("true", "bool", True),
        ("False", "bool", False),
        ("1", "bool", 1),
        ("perhaps", "bool", "perhaps"),
        ("[1, 2]", "list", [1, 2]),
        ('{"a": 1}', "dict", {"a": 1}),
        ("2.5", None, 2.5),
        ("true", None, True),
        ("007", None, "007"),
        ("NaN", None, "NaN"),
        ("[" * 100_000, None, "[" * 100_000),
    ],
)
def test_other_values_are_of_the_declared_type_where_they_can_be(text, kind, value):
    found = values.read(text, kind)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("abc", "float", "'delay' has to be a number, not the text 'abc'"),
        ("x", "int", "'delay' has to be a whole number, not the text 'x'"),
        ("x", "bool", "'delay' has to be true or false, not the text 'x'"),
        ("x", "str", ""),
        ("x", None, ""),
        ("x", "Quantity", ""),
        (2, "float", ""),
    ],
)
def test_a_text_in_place_of_another_type_is_told_in_words(value, kind, told):
    assert values.misfit("delay", value, kind) == told


def test_the_types_are_those_of_the_agents_own_description():
    @param("com_to", type=str, default=None)
    @param("delay", type=float)
    @param("times", cast=int, default=1)
    @param("any")
    def setup(session, params):
        return True, "done"

    kinds = values.types({"params": described(setup)})
    assert kinds == {"com_to": "str", "delay": "float", "times": "int", "any": None}
    assert set(kinds.values()) - {None} <= set(values.NOUNS)
    assert values.types({}) == {}
    assert values.types({"params": None}) == {}
