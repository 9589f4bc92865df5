"""docs/reference/control-api.md has every path of the control API, and only those."""

import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from ocsd.daemon.api import alarms
from ocsd.daemon.api.control import ControlApi

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "control-api.md").read_text()
BY_DAEMON_ONLY = "POST /v1/alarms/record"


def served(parts, path=""):
    """Yield each request that a tree of resources answers, as the page names it."""
    for name, part in parts.items():
        below = f"{path}/{name.decode()}"
        yield from served(part.children, below)
        if part.isLeaf:
            yield from (f"{method.decode()} {below}" for method in part._methods)


@pytest.fixture
def requests():
    api = ControlApi(*[MagicMock()] * 8)
    found = {each for each in served(api.site().resource.children) if not each.startswith("HEAD")}
    # These two look at the rest of the path themselves.
    below = {f"POST /v1/alarms/{verb}" for verb in alarms._VERBS} | {BY_DAEMON_ONLY}
    return found - {"POST /v1/alarms", "POST /v1/site"} | below | {"POST /v1/site/HOST"}


def told(text):
    """Yield each request of the first column of the table; `/down` stands for its whole path."""
    for cell in re.findall(r"^\| (`(?:GET|POST) .*?) \|", text, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", cell)
        yield first
        yield from (first.rpartition("/")[0] + other for other in others)


def test_the_page_has_every_request(requests):
    rows = [*told(PAGE)]
    assert sorted(rows) == sorted(requests - {BY_DAEMON_ONLY})
    assert f"`{BY_DAEMON_ONLY}`" in PAGE


def test_the_page_names_no_other_path_in_its_text(requests):
    named = set(re.findall(r"(?:GET|POST) /v1[\w/]*", PAGE))
    assert {each.removesuffix("/HOST") for each in requests} >= {
        each.removesuffix("/HOST") for each in named
    }
