"""The web site: files of the page, the API's routes, and a clear refusal of all else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.web import http, resource, server

from ocsd.errors import OcsdError, UsageError
from ocsd.reactor.threads import the_reactor
from ocsd.text.nearest import did_you_mean
from ocsd.text.printable import one_line
from ocsd.web.server.files import PageFiles
from ocsd.web.server.plain import dumps
from ocsd.web.server.read import Query, body_of
from ocsd.web.server.route import JSON, Call, Route
from ocsd.web.server.safety import HEADERS, refusal
from ocsd.web.server.sending import LARGE_BYTES, Sending

LARGEST_BODY_BYTES: Final = 2**20
"""Size of what a request may post."""

API: Final = ("api", "v1")

_THIS_MACHINE: Final = frozenset({None, "127.0.0.1", "::1", "::ffff:127.0.0.1"})
"""Addresses of clients on this machine; one that comes through a Unix socket has none."""


@dataclass(eq=False)
class Pages(resource.Resource):
    """Answers every request."""

    isLeaf = True  # noqa: N815 - twisted.web's name
    log = Logger()

    routes: Sequence[Route]
    files: PageFiles
    local: bool
    """Whether the page is served on a loopback address, and not through another web server."""
    prefix: str = ""
    """A path that a web server in front of it may leave before the path of a request."""
    under_way: "set[Deferred[Any]]" = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def render(self, request: Any) -> bytes | int:
        """Answer a request (twisted.web's interface)."""
        request.responseHeaders.removeHeader(b"server")
        for name, value in HEADERS.items():
            request.setHeader(name.encode(), value.encode())

        header = partial(header_of, request)
        method = request.method.decode("latin-1")
        pieces = self._pieces(request)
        is_page = pieces[:2] != API
        if refused := refusal(method, header, local=self.local, is_page=is_page):
            return _refuse(request, refused.message, refused.code)
        if request.is_too_large:
            return _refuse(request, f"it has more than {LARGEST_BODY_BYTES:,} bytes", 413)
        if not is_page:
            return self._of_api(request, method, pieces[2:])
        return self._of_page(request, method, pieces)

    def _pieces(self, request: Any) -> tuple[str, ...]:
        path = request.path.decode("latin-1")
        if self.prefix and (path == self.prefix or path.startswith(f"{self.prefix}/")):
            path = path[len(self.prefix) :]
        return tuple(unquote(each) for each in path.removeprefix("/").split("/"))

    def _of_page(self, request: Any, method: str, pieces: tuple[str, ...]) -> bytes:
        if method not in {"GET", "HEAD"}:
            return _refuse(request, "the files of the page can only be read", 405)
        file = None
        if pieces == ("",):
            file = self.files.find(("index.html",))
        elif pieces[0] == "static":
            file = self.files.find(pieces[1:])
        if file is None:
            return _refuse(request, "there is nothing at this path; the page is at /", 404)
        request.setHeader(b"content-type", file.kind.encode())
        # Asked for again at each load, which costs an answer without content.
        request.setHeader(b"cache-control", b"no-cache")
        if request.setETag(file.tag.encode()) is http.CACHED:
            return b""
        return file.content

    def _of_api(self, request: Any, method: str, pieces: tuple[str, ...]) -> bytes | int:
        found = [(each, names) for each in self.routes if (names := each.match(pieces)) is not None]
        wanted = "GET" if method == "HEAD" else method
        for route, names in found:
            if route.method == wanted:
                return self._answer(request, route, names)
        if found:
            allowed = ", ".join(sorted({route.method for route, _ in found}))
            request.setHeader(b"allow", allowed.encode())
            return _refuse(request, f"{method} is not for this path; it takes {allowed}", 405)
        path = "/".join(pieces)
        near = did_you_mean(path, [each.path for each in self.routes])
        text = f"the API has no {one_line(path)[:100]!r}{near}; it is described in openapi.json"
        return _refuse(request, text, 404)

    def _answer(self, request: Any, route: Route, names: Mapping[str, str]) -> int | bytes:
        try:
            params = route.read(Query(request.uri).values)
            body = body_of(request) if route.body is not None else {}
        except UsageError as error:
            return _refuse(request, str(error))
        call = Call(request, names, params, body, who(request))
        answering = Deferred.fromCoroutine(_coroutine(route, call))
        self.under_way.add(answering)
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addCallbacks(self._answered, self._failed, (request, route), {}, (request,), {})
        answering.addBoth(lambda _: self.under_way.discard(answering))
        return server.NOT_DONE_YET

    def _answered(self, value: Any, request: Any, route: Route) -> None:
        if value is None or request._disconnected:  # noqa: SLF001 - there is no other way
            return
        request.setHeader(b"content-type", route.kind.encode())
        request.setHeader(b"cache-control", b"no-store")
        content = value if isinstance(value, bytes) else dumps(value) + b"\n"
        if len(content) < LARGE_BYTES:
            request.write(content)
            request.finish()
            return
        sent = Sending(request, BytesIO(content), the_reactor()).done
        request.notifyFinish().addErrback(lambda _: sent.cancel())
        sent.addCallbacks(lambda _: request.finish(), lambda failure: failure.trap(CancelledError))

    def _failed(self, failure: Any, request: Any) -> None:
        if failure.check(CancelledError) or request._disconnected:  # noqa: SLF001 - as above
            return
        error = failure.value
        code = getattr(error, "code", 400)
        if not isinstance(error, OcsdError):
            self.log.failure("a request to the page failed", failure)
            code = 500
        if request.startedWriting:
            # The client sees that the answer is not whole.
            request.loseConnection()
            return
        request.write(_refuse(request, str(error) or type(error).__name__, code))
        request.finish()


async def _coroutine(route: Route, call: Call) -> Any:
    return await route.handler(call)


def _refuse(request: Any, message: str, code: int = 400) -> bytes:
    request.setResponseCode(code)
    request.setHeader(b"content-type", JSON.encode())
    request.setHeader(b"cache-control", b"no-store")
    return dumps({"error": {"message": message}}) + b"\n"


def header_of(request: Any, name: str) -> str:
    """Return a header of a request; empty if it has none. No byte in it is refused."""
    value = request.getHeader(name.encode()) or b""
    return bytes(value).decode("utf-8", "replace")


def who(request: Any) -> str:
    """Return the client of a request, for the history.

    A web server in front of the page, which is on this machine, may name person and place.
    """
    place = getattr(request.getClientAddress(), "host", None)
    person = ""
    if place in _THIS_MACHINE:
        person = header_of(request, "x-remote-user").strip()
        forwarded = header_of(request, "x-forwarded-for")
        # The last one: those before it are what the client itself has sent.
        place = forwarded.rpartition(",")[2].strip() or "this machine"
    return one_line(f"{person[:60] or 'a viewer'} of the page, from {str(place)[:60]}")


class Request(server.Request):
    """A request that stops to take in what is too large."""

    content: Any
    is_too_large = False

    def gotLength(self, length: int | None) -> None:
        """Take note of the length of what is posted."""
        self.is_too_large = (length or 0) > LARGEST_BODY_BYTES
        if self.is_too_large:
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of what is posted."""
        if not self.is_too_large and self.content.tell() + len(data) > LARGEST_BODY_BYTES:
            self.is_too_large = True
        if not self.is_too_large:
            super().handleContentChunk(data)


MOST_CONNECTIONS: Final = 4000
"""Connections at the same time; a browser opens at most six."""


class PageSite(server.Site):
    """The web site, without a log of accesses."""

    noisy = False
    _logger = Logger()

    def __init__(self, pages: resource.Resource) -> None:
        super().__init__(pages, requestFactory=Request)
        self._connections = 0
        self._is_full = False

    def buildProtocol(self, addr: Any) -> Any:
        """Return what serves a connection; None, which closes it, if there are too many."""
        if self._connections >= MOST_CONNECTIONS:
            if not self._is_full:
                self._logger.warn(
                    "{most} connections to the page are open, which is its limit; new ones are "
                    "closed until some end",
                    most=MOST_CONNECTIONS,
                )
            self._is_full = True
            return None
        self._is_full = False
        channel: Any = super().buildProtocol(addr)
        self._connections += 1
        lost = channel.connectionLost

        def connection_lost(reason: Any) -> None:
            self._connections -= 1
            lost(reason)

        channel.connectionLost = connection_lost
        return channel

    def log(self, request: Any) -> None:
        """Log nothing: changes are in the history."""
