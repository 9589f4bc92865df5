"""The page, or one module of it, in a Chromium."""

import json
from contextlib import contextmanager

import pytest

from tests.unit.web.chromium import browser
from tests.unit.web.stand_in import KINDS, PAGE

VIEWPORT = {"width": 1280, "height": 2200}
PATIENCE_MS = 60_000
"""So long the browser may take on a busy machine where a test names no bound."""


@pytest.fixture(scope="module")
def chromium():
    """A Chromium for the tests of one file."""
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def window(chromium):
    """A window for the tests of one file: to open one takes more than to load the page in it."""
    with _a_window(chromium) as opened:
        yield opened


@pytest.fixture
def own_window():
    """Tells `page` that the test changes what outlasts the page: clock, scripts, listeners."""


@pytest.fixture
def page(request, chromium):
    """An empty window; the test fails if the page that it loads logs an error."""
    if "own_window" in request.fixturenames:
        with _a_window(chromium) as opened:
            yield from _watched(opened)
    else:
        yield from _watched(request.getfixturevalue("window"))


@contextmanager
def _a_window(chromium):
    # So high that all is seen; what is not seen is not drawn.
    context = chromium.new_context(viewport=VIEWPORT)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    context.close()


def _watched(opened):
    errors = []
    listeners = {
        "console": lambda said: errors.append(said.text) if _is_error(said) else None,
        "pageerror": lambda error: errors.append(str(error)),
    }
    for event, listener in listeners.items():
        opened.on(event, listener)
    opened.set_viewport_size(VIEWPORT)
    opened.emulate_media(color_scheme="null")
    yield opened
    for event, listener in listeners.items():
        opened.remove_listener(event, listener)
    opened.goto("about:blank")
    assert errors == []


def _is_error(said):
    # The browser itself logs each request that nobody answers.
    return said.type == "error" and "net::ERR" not in said.text


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
