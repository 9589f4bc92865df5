"""The table of the API: its page, its description, and how it reads requests."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ocsd.errors import UsageError
from ocsd.web.api.openapi import document
from ocsd.web.api.table import routes
from ocsd.web.server.route import EVENTS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "web-api.md"


class Anything:
    """Has every handler that the table names."""

    def __getattr__(self, _name):
        return Anything()

    def __call__(self, *_args):
        return self


TABLE = routes(Anything())


def row(route):
    """Return the line of a route in the page."""
    params = "&".join(each.name for each in route.params)
    query = f"?{params}" if params else ""
    answer = ", ".join(f"`{name}`" for name in route.events)
    return f"| `{route.method} {route.path}{query}` | {route.summary} | {answer} |"


def test_the_page_has_every_request():
    told = re.findall(r"^\| `(?:GET|POST) .*\|$", PAGE.read_text(), re.MULTILINE)
    expected = [row(route) for route in TABLE]
    assert told == expected, "\n".join(expected)


def test_the_page_explains_every_parameter_and_event():
    text = PAGE.read_text()
    for route in TABLE:
        for name in [*(each.name for each in route.params), *route.events]:
            assert f"`{name}`" in text, (route.path, name)


def test_the_description_is_of_openapi_and_has_every_path():
    described = document(TABLE)
    assert described["openapi"] == "3.1.0"
    assert sum(map(len, described["paths"].values())) == len(TABLE)
    names = [each["operationId"] for path in described["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)


def test_the_description_has_every_refusal():
    paths = document(TABLE)["paths"]
    assert [*paths["/state"]["get"]["responses"]] == ["200", "400", "401", "403"]
    change = paths["/instances/{name}/operations/{operation}/{action}"]["post"]
    assert {"403", "413", "415"} <= set(change["responses"])


@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
def test_every_schema_is_one(route):
    for schema in (route.answer, route.body or {}, *(each.schema() for each in route.params)):
        Draft202012Validator.check_schema(schema)
    assert (route.kind == EVENTS) >= bool(route.events)


def find(path):
    return next(each for each in TABLE if each.path == path)


def test_a_path_is_matched_piece_by_piece():
    log = find("instances/{name}/log")
    assert log.match(["instances", "thermo1", "log"]) == {"name": "thermo1"}
    assert log.match(["instances", "thermo1"]) is None
    assert log.match(["instances", "thermo1", "logs"]) is None


def test_parameters_have_types_limits_and_defaults():
    log = find("instances/{name}/log")
    read = log.read({"lines": ["5"], "since": ["1.5"]})
    assert read == {"lines": 5, "level": "trace", "grep": "", "since": 1.5}


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("window", {"since": ["1"]}, "the parameter field is missing"),
        ("window", {"field": ["a"] * 201, "since": ["1"]}, "at most 200 times"),
        ("window", {"field": ["a"], "since": ["1", "2"]}, "give it once"),
        ("window", {"field": ["a"], "since": ["soon"]}, "since is 'soon', not a number"),
        ("window", {"field": ["a"], "since": ["inf"]}, "not a finite number"),
        ("window", {"field": ["a"], "since": ["1"], "columns": ["2.5"]}, "not a whole number"),
        ("window", {"field": ["a"], "since": ["1"], "columns": ["0"]}, "it has to be 1 at least"),
        ("window", {"field": ["a"], "since": ["1"], "columns": ["1" * 9]}, "20000 at most"),
        ("window", {"fields": ["a"]}, "unknown parameter 'fields'; did you mean 'field'?"),
        ("window", {"field": ["x" * 1001], "since": ["1"]}, "has 1001 characters"),
        ("export", {"field": ["a"], "since": ["1"], "format": ["cvs"]}, "did you mean 'csv'?"),
        ("about", {"x": ["1"]}, "there are none"),
    ],
)
def test_a_wrong_parameter_gets_a_clear_answer(path, query, words):
    with pytest.raises(UsageError) as caught:
        find(path).read(query)
    assert words in str(caught.value)
