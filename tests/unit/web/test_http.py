"""Requests and answers of HTTP, without a socket."""

import json

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ocsd.web.login.doors import OpenDoors, Trusted
from ocsd.web.refusals import AwayError
from ocsd.web.sending import READER_LIMIT_S
from ocsd.web.server.files import PageFiles
from ocsd.web.server.route import EVENTS, PLAIN_TEXT, Param, Route
from ocsd.web.server.site import LARGEST_BODY_BYTES, Pages, PageSite
from ocsd.web.server.stream import Stream


class Handlers:
    """Answers of every kind."""

    def __init__(self):
        self.waiting = Deferred()
        self.streams = []
        self.gone = []

    async def echo(self, call):
        return {"params": dict(call.params), "body": dict(call.body), "names": dict(call.names)}

    async def away(self, _call):
        raise AwayError("the daemon is away since noon")

    async def defect(self, _call):
        raise KeyError("secret")

    async def metrics(self, call):
        call.request.setHeader(b"content-type", b"text/plain; version=0.0.4")
        return b"ocsd_daemon_up 1\n"

    async def later(self, _call):
        return await self.waiting

    async def stream(self, call):
        stream = Stream(call.request)
        stream.on_close = lambda: self.gone.append(stream)
        self.streams.append(stream)


@pytest.fixture
def handlers():
    return Handlers()


@pytest.fixture
def site(handlers, tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "plot.js").write_text("export {}")
    (tmp_path / "secret.py").write_text("")
    table = [
        Route("GET", "echo/{name}", "", handlers.echo, params=(Param("n", "count", ""),)),
        Route("POST", "echo", "", handlers.echo, body={}),
        Route("GET", "away", "", handlers.away),
        Route("GET", "defect", "", handlers.defect),
        Route("GET", "metrics", "", handlers.metrics, kind=PLAIN_TEXT),
        Route("GET", "later", "", handlers.later),
        Route("GET", "stream", "", handlers.stream, kind=EVENTS),
    ]
    return PageSite(Pages(table, PageFiles(tmp_path), OpenDoors(Trusted()), frozenset(), "/ocsd"))


class Client:
    """One connection."""

    def __init__(self, site):
        self.transport = StringTransport()
        self.protocol = site.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def send(self, path, method="GET", body=None, **headers):
        content = b"" if body is None else json.dumps(body).encode()
        named = {"host": "localhost", "content-type": "application/json", **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in named.items())]
        head = "\r\n".join([*lines, f"content-length: {len(content)}", "", ""])
        self.protocol.dataReceived(head.encode() + content)
        return self

    def leave(self):
        self.protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def answer(self):
        """Status, headers and content; without the frame of chunks."""
        head, _, content = self.transport.value().partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        if headers.get("transfer-encoding") == "chunked":
            content = b"".join(content.split(b"\r\n")[1::2])
        return int(status.split()[1]), headers, content


@pytest.fixture
def ask(site):
    def ask(path, method="GET", body=None, **headers):
        client = Client(site)
        answer = client.send(path, method, body, **headers).answer
        client.leave()
        return answer

    return ask


def refusal(answer):
    status, _, content = answer
    return status, json.loads(content)["error"]["message"]


@pytest.mark.parametrize("path", ["/api/v1/echo/a%2Fb?n=5", "/ocsd/api/v1/echo/a%2Fb?n=5"])
def test_a_request_has_names_and_parameters_also_below_a_prefix(ask, path):
    status, headers, content = ask(path)
    assert status == 200
    assert json.loads(content) == {"params": {"n": 5}, "body": {}, "names": {"name": "a/b"}}
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/metrics", "/ocsd/metrics", "/api/v1/metrics"])
def test_prometheus_finds_the_metrics_where_it_looks(ask, path):
    status, headers, content = ask(path)
    assert (status, content) == (200, b"ocsd_daemon_up 1\n")
    assert headers["content-type"] == "text/plain; version=0.0.4"


def test_a_change_has_a_body(ask):
    assert json.loads(ask("/api/v1/echo", "POST", {"a": [1]})[2])["body"] == {"a": [1]}
    assert refusal(ask("/api/v1/echo", "POST", [1]))[0] == 400


@pytest.mark.parametrize(
    ("path", "method", "status", "words"),
    [
        ("/api/v1/eco", "GET", 404, "did you mean 'echo'?"),
        ("/api/v1/echo", "GET", 405, "it takes POST"),
        ("/api/v1/echo/x", "DELETE", 405, "it takes GET"),
        ("/api/v1/echo/x?n=x", "GET", 400, "not a whole number"),
        (f"/api/v1/echo/x?n={'9' * 999}", "GET", 400, "not a finite number"),
        ("/api/v1/away", "GET", 503, "since noon"),
        ("/api/v2/echo", "GET", 404, "the page is at /"),
        ("/static/secret.py", "GET", 404, "the page is at /"),
        ("/static/../secret.py", "GET", 404, "the page is at /"),
        ("/static/..%2Findex.html", "GET", 404, "the page is at /"),
        ("/static/", "GET", 404, "the page is at /"),
        ("/static/parts", "GET", 404, "the page is at /"),
        ("/", "PUT", 405, "can only be read"),
    ],
)
def test_what_is_not_there_is_said_in_words(ask, path, method, status, words):
    got, message = refusal(ask(path, method))
    assert (got, words in message) == (status, True), message


def test_a_frame_in_a_page_of_somebody_else_asks_nothing_of_the_api(ask):
    led = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert refusal(ask("/api/v1/echo/x", **led))[0] == 403
    assert ask("/", **led)[0] == 200


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site", "x-forwarded-for", "x-remote-user"])
def test_a_header_may_have_any_byte(site, name):
    client = Client(site)
    head = f"GET /api/v1/echo/x HTTP/1.1\r\nhost: localhost\r\n{name}: \xe9\xff\r\n\r\n"
    client.protocol.dataReceived(head.encode("latin-1"))
    assert client.answer[0] == 200
    client.leave()


def test_a_defect_is_logged_and_tells_no_more_than_its_kind(ask):
    from twisted.logger import globalLogPublisher

    logged = []
    globalLogPublisher.addObserver(logged.append)
    try:
        assert refusal(ask("/api/v1/defect"))[0] == 500
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert any("log_failure" in event for event in logged)


def test_a_body_that_is_too_large_is_refused(ask):
    assert refusal(ask("/api/v1/echo", "POST", {"a": "x" * LARGEST_BODY_BYTES}))[0] == 413


def test_a_file_is_sent_once_and_then_known_by_its_tag(ask, tmp_path):
    status, headers, content = ask("/")
    assert (status, content) == (200, b"<!doctype html>")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert ask("/", **{"if-none-match": headers["etag"]})[0] == 304
    (tmp_path / "index.html").write_text("<!doctype html>2")
    assert ask("/", **{"if-none-match": headers["etag"]})[0] == 200
    assert ask("/static/parts/plot.js")[1]["content-type"].startswith("text/javascript")


class Slow(StringTransport):
    """A client that has to be asked whether it has read."""

    def __init__(self):
        super().__init__()
        self.is_aborted = False

    def write(self, data):
        super().write(data)
        if self.producer is not None and len(self.value()) > self.room:
            self.producer.pauseProducing()

    def writeSequence(self, data):
        self.write(b"".join(data))

    room = 10**5

    def read_on(self):
        self.room = len(self.value()) + 10**5
        self.producer.resumeProducing()

    def abortConnection(self):
        self.is_aborted = True


@pytest.fixture
def slow(site, handlers, clock, monkeypatch):
    monkeypatch.setattr("ocsd.web.server.site.the_reactor", lambda: clock)
    client = Client(site)
    client.leave()
    client.transport = Slow()
    client.protocol = site.buildProtocol(None)
    client.protocol.callLater = clock.callLater
    client.protocol.makeConnection(client.transport)
    client.send("/api/v1/later")
    handlers.waiting.callback(b'"%s"' % (b"x" * 10**6))
    return client


def test_a_large_answer_lasts_as_long_as_its_reader_needs(slow, clock):
    ends = b"\r\n0\r\n\r\n"
    for _ in range(20):
        if slow.transport.value().endswith(ends):
            break
        clock.advance(READER_LIMIT_S - 1)
        slow.transport.read_on()
    assert not slow.transport.is_aborted
    assert slow.transport.value().endswith(ends)
    assert slow.transport.value().count(b"x") == 10**6
    slow.leave()


def test_a_reader_who_takes_nothing_of_a_large_answer_is_left(slow, clock):
    clock.advance(READER_LIMIT_S + 1)
    assert slow.transport.is_aborted
    slow.leave()
    clock.advance(READER_LIMIT_S + 1)


def test_more_connections_than_there_is_room_for_are_closed(site, monkeypatch):
    monkeypatch.setattr("ocsd.web.server.site.MOST_PAGE_CONNECTIONS", 2)
    first, second = Client(site), Client(site)
    assert site.buildProtocol(None) is None
    first.leave()
    third = Client(site)
    assert site.buildProtocol(None) is None
    assert third.send("/api/v1/echo/x").answer[0] == 200
    second.leave()
    third.leave()


def test_a_viewer_who_leaves_ends_what_is_done_for_it(site, handlers):
    cancelled = []
    handlers.waiting = Deferred(cancelled.append)
    client = Client(site).send("/api/v1/later")
    client.leave()
    assert len(cancelled) == 1


def test_a_stream_skips_a_slow_reader_until_it_has_caught_up(site, handlers):
    client = Client(site).send("/api/v1/stream")
    [stream] = handlers.streams
    caught_up = []
    stream.on_caught_up = lambda: caught_up.append(stream.event("state", {"whole": 1}))
    assert stream.event("tick", {"at": 1.0})
    stream.pauseProducing()
    assert not stream.event("tick", {"at": 2.0})
    stream.resumeProducing()
    assert caught_up == [True]
    written = client.transport.value()
    assert b'event: tick\ndata: {"at":1.0}\n\n' in written
    assert b'"at":2.0' not in written
    assert b'event: state\ndata: {"whole":1}\n\n' in written
    client.leave()
    assert handlers.gone == [stream]
    assert not stream.event("tick", {"at": 3.0})


class NobodyIsIn:
    """Doors of a closed site at which nobody has logged in."""

    is_closed = True

    def __init__(self):
        self.told = []

    def viewer(self, _knock):
        return None

    def unknown(self, _knock, action, target, _reason):
        self.told.append((action, target))


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "instances/restart", [("restart", "")]),
        ("POST", "instances/thermo1/operations/acq/start", [("start", "thermo1.acq")]),
        ("POST", "logout", []),
        ("GET", "state", []),
    ],
)
def test_a_change_without_a_login_is_refused_and_written_down(tmp_path, method, path, told):
    async def never(_call):
        raise AssertionError

    table = [
        Route("POST", "instances/restart", "", never, body={}, role="operator"),
        Route(
            *("POST", "instances/{name}/operations/{operation}/{action}", "", never),
            body={},
            role="operator",
        ),
        Route("POST", "logout", "", never, body={}),
        Route("GET", "state", "", never),
    ]
    doors = NobodyIsIn()
    site = PageSite(Pages(table, PageFiles(tmp_path), doors, frozenset()))
    assert Client(site).send(f"/api/v1/{path}", method, {}).answer[0] == 401
    assert doors.told == told
