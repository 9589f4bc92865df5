"""The answers of a feed viewer's web server."""

import json

import pytest
from twisted.web.http_headers import Headers

from ocsd.system.address import address_of
from ocsd.web.feedview.buffer import FeedBuffer
from ocsd.web.feedview.pages import ViewPages
from ocsd.web.feedview.settings import of_words

NOW = 1_795_328_225.0
WORDS = ["--target=fake-data1", "--feed=temps", "--name=lab", "--description=<b>two</b>"]
WORDS += ["--hub=ws://localhost:8001/ws", "--realm=test_realm", "--address-root=observatory"]


class Request:
    """What a resource uses of Twisted's request."""

    is_too_large = False

    def __init__(self, method, path, body=b"", host="localhost:5000"):
        self.method, self.path, self.uri = method.encode(), path.encode(), path.encode()
        self.content = self
        self._body = body
        self.code = 200
        self.requestHeaders = Headers({"host": [host]})
        self.responseHeaders = Headers({"server": ["x"]})

    def read(self):
        return self._body

    def getHeader(self, name):
        return self.requestHeaders.getRawHeaders(name, [None])[0]

    def setHeader(self, name, value):
        self.responseHeaders.setRawHeaders(name, [value])

    def setResponseCode(self, code):
        self.code = code

    def setETag(self, _tag):
        return None

    def header(self, name):
        return self.responseHeaders.getRawHeaders(name, [""])[0]


@pytest.fixture
def buffer():
    buffer = FeedBuffer(3600.0, unix_time=lambda: NOW)
    block = {"block_name": "b", "timestamps": [NOW], "data": {"a": [1.5], "s": ["on"]}}
    buffer.take({"b": block}, {"record": True, "units": {"a": "K"}, "labels": {"a": "cold"}})
    return buffer


@pytest.fixture
def ask(buffer):
    pages = ViewPages(of_words(WORDS), buffer, lambda: "nothing comes", lambda: NOW + 1)

    def ask(method, path, body=b"", **more):
        request = Request(method, path, body, **more)
        return request, pages.render(request)

    return ask


def test_the_page_is_the_answer_to_the_test_of_the_data_source(ask):
    request, content = ask("GET", "/")
    assert (request.code, request.header("content-type")) == (200, "text/html; charset=utf-8")
    assert b"feedview.js" in content
    assert request.header("content-security-policy").startswith("default-src 'self'")
    assert ask("GET", "/static/feedview/feedview.js")[0].code == 200


def test_the_page_gets_all_that_it_shows(ask):
    _, content = ask("GET", "/samples")
    answer = json.loads(content)
    assert answer["fields"] == {
        "a": {"t": [NOW], "v": [1.5], "text": False, "units": "K", "label": "cold"},
        "s": {"t": [NOW], "v": ["on"], "text": True, "units": "", "label": ""},
    }
    assert (answer["name"], answer["description"]) == ("lab", "<b>two</b>")
    assert (answer["feed"], answer["missing"]) == ("fake-data1.temps", "nothing comes")


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/search", {"target": ""}, ["lab.a", "lab.s"]),
        ("/search", {}, ["lab.a", "lab.s"]),
        ("/annotations", {"annotation": {"name": "x"}}, []),
        ("/tag-keys", {}, []),
        ("/tag-values", {"key": "x"}, []),
    ],
)
def test_grafana_gets_what_it_posts_for(ask, path, body, answer):
    request, content = ask("POST", path, json.dumps(body).encode())
    assert (request.code, json.loads(content)) == (200, answer)
    assert request.header("content-type") == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/query", b"{}", 400),
        ("POST", "/query", b"not json", 400),
        ("POST", "/query", b"[" * 100_000, 400),
        ("POST", "/query", b"[]", 400),
        ("POST", "/quary", b"{}", 404),
        ("POST", "/", b"{}", 404),
        ("GET", "/query", b"", 404),
        ("GET", "/static/../process.py", b"", 404),
        ("GET", "/static/%2e%2e/process.py", b"", 404),
        ("DELETE", "/", b"", 405),
        ("PUT", "/query", b"{}", 405),
    ],
)
def test_a_request_that_it_cannot_answer_is_refused_with_the_reason(ask, method, path, body, code):
    request, content = ask(method, path, body)
    assert request.code == code
    assert json.loads(content)["error"]["message"]


def test_a_name_of_another_machine_is_refused_where_only_this_one_is_served(ask, buffer):
    request, _ = ask("GET", "/samples", host="evil.example:5000")
    assert request.code == 403
    own = of_words([*WORDS, "--listen=0.0.0.0:5000"])
    request = Request("GET", "/samples", host="view1:5000")
    ViewPages(own, buffer, lambda: "").render(request)
    assert request.code == 200


def test_the_defaults_are_those_of_the_guide():
    own = of_words(WORDS)
    assert (own.listen, own.buffer_time_s) == (address_of("127.0.0.1:5000"), 3600.0)
    assert own.topic == "observatory.fake-data1.feeds.temps"
