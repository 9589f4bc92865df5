"""The web site: files of the page, the API's routes, and a clear refusal of all else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from ocsd.errors import OcsdError, UsageError
from ocsd.reactor.threads import the_reactor
from ocsd.system.web_server import http, resource, server
from ocsd.text.nearest import did_you_mean
from ocsd.text.printable import one_line
from ocsd.web.login.doors import Doors, Knock
from ocsd.web.login.viewer import ForbiddenError, Viewer, check_role
from ocsd.web.refusals import RequestRefusedError
from ocsd.web.sending import LARGE_BYTES, Sending
from ocsd.web.server.files import PageFiles
from ocsd.web.server.plain import dumps
from ocsd.web.server.read import Query, body_of
from ocsd.web.server.route import JSON, Call, Route
from ocsd.web.server.safety import HEADERS, refusal

LARGEST_BODY_BYTES: Final = 2**20
"""Size of what a request may post."""

API: Final = ("api", "v1")
METRICS: Final = ("metrics",)
"""The path where Prometheus looks by default; the API has the same below its own."""

LOGIN_NEEDED: Final = "this site is closed: open the page and log in"


@dataclass(eq=False)
class Pages(resource.Resource):
    """Answers every request."""

    isLeaf = True  # noqa: N815 - twisted.web's name
    log = Logger()

    routes: Sequence[Route]
    files: PageFiles
    doors: Doors
    """Decides who the client of a request is."""
    names: Collection[str] | None = None
    """Names under which it may be opened, beside those of loopback; None: all."""
    prefix: str = ""
    """A path that a web server in front of it may leave before the path of a request."""
    under_way: "set[Deferred[Any]]" = field(default_factory=set)
    _open: dict[Any, Viewer] = field(default_factory=dict)

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
        if refused := refusal(method, header, names=self.names, is_page=is_page):
            return _refuse(request, refused.message, refused.code)
        if request.is_too_large:
            return _refuse(request, f"it has more than {LARGEST_BODY_BYTES:,} bytes", 413)
        try:
            viewer = self.doors.viewer(knock_of(request))
        except RequestRefusedError as error:
            return _refuse(request, str(error), error.code)
        if not is_page:
            return self._of_api(request, method, pieces[2:], viewer)
        return self._of_page(request, method, pieces, viewer)

    def end_streams(self) -> None:
        """End what still goes on for people who have logged out, or may not look any more."""
        for request, viewer in list(self._open.items()):
            if not self.doors.still(viewer):
                request.loseConnection()

    def _pieces(self, request: Any) -> tuple[str, ...]:
        path = request.path.decode("latin-1")
        if self.prefix and (path == self.prefix or path.startswith(f"{self.prefix}/")):
            path = path[len(self.prefix) :]
        pieces = tuple(unquote(each) for each in path.removeprefix("/").split("/"))
        if pieces == METRICS:
            return API + pieces
        return pieces

    def _of_page(
        self, request: Any, method: str, pieces: tuple[str, ...], viewer: Viewer | None
    ) -> bytes:
        if method not in {"GET", "HEAD"}:
            return _refuse(request, "the files of the page can only be read", 405)
        file = None
        if pieces == ("",):
            # Files of the page are no secret; the form stands at the page's own address.
            name = "index.html"
            if viewer is None:
                name = "login.html"
            file = self.files.find((name,))
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

    def _of_api(
        self, request: Any, method: str, pieces: tuple[str, ...], viewer: Viewer | None
    ) -> bytes | int:
        found = [(each, names) for each in self.routes if (names := each.match(pieces)) is not None]
        wanted = "GET" if method == "HEAD" else method
        for route, names in found:
            if route.method == wanted:
                return self._answer(request, route, names, viewer)
        if viewer is None:
            return _refuse(request, LOGIN_NEEDED, 401)
        if found:
            allowed = ", ".join(sorted({route.method for route, _ in found}))
            request.setHeader(b"allow", allowed.encode())
            return _refuse(request, f"{method} is not for this path; it takes {allowed}", 405)
        path = "/".join(pieces)
        near = did_you_mean(path, [each.path for each in self.routes])
        text = f"the API has no {one_line(path)[:100]!r}{near}; it is described in openapi.json"
        return _refuse(request, text, 404)

    def _answer(
        self, request: Any, route: Route, names: Mapping[str, str], viewer: Viewer | None
    ) -> int | bytes:
        if viewer is None and route.role is not None:
            if route.is_change:
                action, target = route.asked_for(names)
                self.doors.unknown(knock_of(request), action, target, LOGIN_NEEDED)
            return _refuse(request, LOGIN_NEEDED, 401)
        viewer = viewer or Viewer()
        try:
            self._check_role(viewer, route, names)
            params = route.read(Query(request.uri).values)
            body = body_of(request) if route.body is not None else {}
        except UsageError as error:
            return _refuse(request, str(error))
        except RequestRefusedError as error:
            return _refuse(request, str(error), error.code)
        call = Call(request, names, params, body, viewer)
        if viewer.role:
            self._open[request] = viewer
        answering = Deferred.fromCoroutine(_coroutine(route, call))
        self.under_way.add(answering)
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        request.notifyFinish().addBoth(lambda _: self._open.pop(request, None))
        answering.addCallbacks(self._answered, self._failed, (request, route), {}, (request,), {})
        answering.addBoth(lambda _: self.under_way.discard(answering))
        return server.NOT_DONE_YET

    def _check_role(self, viewer: Viewer, route: Route, names: Mapping[str, str]) -> None:
        if route.role is None or not self.doors.is_closed:
            return
        action, target = route.asked_for(names)
        try:
            check_role(viewer, route.role, f"{action} {target}".rstrip())
        except ForbiddenError as error:
            self.doors.forbidden(viewer, action, target, str(error))
            raise

    def _answered(self, value: Any, request: Any, route: Route) -> None:
        if value is None or request._disconnected:  # noqa: SLF001 - there is no other way
            return
        if not request.responseHeaders.hasHeader(b"content-type"):
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


def knock_of(request: Any) -> Knock:
    """Return the part of a request by which it is decided who the client is."""
    address = getattr(request.getClientAddress(), "host", None)
    return Knock(address, partial(header_of, request))


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


MOST_PAGE_CONNECTIONS: Final = 4000
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
        if self._connections >= MOST_PAGE_CONNECTIONS:
            if not self._is_full:
                self._logger.warn(
                    "{most} connections to the page are open, which is its limit; new ones are "
                    "closed until some end",
                    most=MOST_PAGE_CONNECTIONS,
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

    def startFactory(self) -> None:
        """Write no log, for whose lines Twisted would wake up each second to make the time."""

    def log(self, request: Any) -> None:
        """Log nothing: changes are in the history."""
