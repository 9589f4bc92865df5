"""The logic of the page, run in a Chromium; no server, no network."""

import json

import pytest

from tests.unit.web.chromium import browser
from tests.unit.web.stand_in import KINDS, PAGE


@pytest.fixture(scope="module")
def chromium():
    """A Chromium for the tests of one file."""
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def run(chromium):
    """Run JavaScript that ends with `return`; `use` makes the names of a module of the page known.

    `run("logic/words.js", "return words.duration(given)", 200)`
    """
    page = chromium.new_page()
    page.route("http://page.test/**", _from_the_folder)
    page.goto("http://page.test/index.txt")

    def run_(module, body, given=None):
        name = module.rpartition("/")[2].removesuffix(".js")
        load = f'const {name} = await import("http://page.test/{module}");'
        return page.evaluate(
            f"async (text) => {{ {load} const given = JSON.parse(text); {body} }}",
            json.dumps(given),
        )

    yield run_
    page.close()


def _from_the_folder(route):
    path = PAGE / route.request.url.removeprefix("http://page.test/")
    if path.is_file():
        route.fulfill(body=path.read_bytes(), content_type=KINDS[path.suffix])
    else:
        route.fulfill(body="", content_type="text/plain")
