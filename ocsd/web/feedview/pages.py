"""The web server of a feed viewer: its page, and what Grafana asks for."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from ocsd.errors import UsageError
from ocsd.system.web_server import http, resource
from ocsd.web.feedview import grafana
from ocsd.web.feedview.buffer import FeedBuffer
from ocsd.web.feedview.settings import ViewSettings
from ocsd.web.feedview.thinning import line
from ocsd.web.server.files import PageFiles
from ocsd.web.server.plain import dumps
from ocsd.web.server.read import body_of
from ocsd.web.server.route import JSON
from ocsd.web.server.safety import HEADERS, refusal

PLOTTED: Final = 1000
"""Samples of a field in the picture, at most."""
MOST_OF_LINE: Final = 2 * PLOTTED
"""The same, with the silences between them and the changes of a text."""
MOST_PLOTTED_FIELDS: Final = 64
SAMPLES_LIFE_S: Final = 0.9
"""Time for which several viewers get the same answer; their pages ask once a second [s]."""


class ViewPages(resource.Resource):
    """Answers every request.

    ``/`` is the page, which also is the answer to Grafana's test of the data source, ``/samples``
    what the page draws, ``/search``, ``/query`` and ``/annotations`` what Grafana posts.
    """

    isLeaf = True  # noqa: N815 - twisted.web's name

    def __init__(
        self,
        settings: ViewSettings,
        buffer: FeedBuffer,
        missing: Callable[[], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Twisted's
        self._settings = settings
        self._buffer = buffer
        self._missing = missing
        self._clock = clock
        self._encoded, self._encoded_at = b"", float("-inf")
        self._files = PageFiles()
        self._posted: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "/search": self._search,
            "/query": lambda body: grafana.query(body, buffer, settings.name),
            "/annotations": lambda _body: [],
            "/tag-keys": lambda _body: [],
            "/tag-values": lambda _body: [],
        }

    def render(self, request: Any) -> bytes:
        """Answer a request (twisted.web's interface)."""
        request.responseHeaders.removeHeader(b"server")
        for name, value in HEADERS.items():
            request.setHeader(name.encode(), value.encode())
        request.setHeader(b"cache-control", b"no-store")

        def header(name: str) -> str:
            return str(request.getHeader(name) or "")

        # Nothing can be changed here, so that only names of other machines are refused.
        names = None
        if self._settings.listen.is_local:
            names = frozenset[str]()
        if refused := refusal("GET", header, names=names):
            return _refuse(request, refused.code, refused.message)
        method, path = request.method.decode("latin-1"), request.path.decode("latin-1")
        if method in {"GET", "HEAD"}:
            return self._got(request, path)
        if method != "POST":
            request.setHeader(b"allow", b"GET, HEAD, POST")
            return _refuse(request, 405, f"{method} is not for this address; it takes GET and POST")
        return self._answer_posted(request, path)

    def samples(self) -> dict[str, Any]:
        """Return everything that the page shows."""
        own, buffer = self._settings, self._buffer
        fields = {}
        for name in buffer.names()[:MOST_PLOTTED_FIELDS]:
            times, values = buffer.between(name, float("-inf"), float("inf"))
            if not buffer.is_text(name):
                times, values = line(times, values, PLOTTED)
            fields[name] = {
                "t": np.round(times[-MOST_OF_LINE:], 3).tolist(),
                "v": values[-MOST_OF_LINE:].tolist(),
                "text": buffer.is_text(name),
                "units": buffer.units.get(name, ""),
                "label": buffer.labels.get(name, ""),
            }
        return {
            "name": own.name,
            "description": own.description,
            "feed": f"{own.target}.{own.feed}",
            "at": self._clock(),
            "newest_at": buffer.came_at,
            "buffer_time_s": own.buffer_time_s,
            "reach_s": buffer.reach_s,
            "missing": self._missing(),
            "refused": buffer.refused,
            "short_of_memory": buffer.is_short_of_memory,
            "fields_left_out": max(0, len(buffer.fields) - MOST_PLOTTED_FIELDS),
            "fields": fields,
        }

    def _encoded_samples(self) -> bytes:
        now_at = self._clock()
        if not 0 <= now_at - self._encoded_at < SAMPLES_LIFE_S:
            self._encoded = dumps(self.samples()) + b"\n"
            self._encoded_at = now_at
        return self._encoded

    def _got(self, request: Any, path: str) -> bytes:
        if path == "/samples":
            request.setHeader(b"content-type", JSON.encode())
            return self._encoded_samples()
        pieces = tuple(path.split("/")[1:])
        file = None
        if pieces == ("",):
            file = self._files.find(("feedview", "index.html"))
        elif pieces[0] == "static":
            file = self._files.find(pieces[1:])
        if file is None:
            posted = ", ".join(self._posted)
            text = f"there is nothing at this address; the page is at /, Grafana posts to {posted}"
            return _refuse(request, 404, text)
        request.setHeader(b"content-type", file.kind.encode())
        request.setHeader(b"cache-control", b"no-cache")
        if request.setETag(file.tag.encode()) is http.CACHED:
            return b""
        return file.content

    def _answer_posted(self, request: Any, path: str) -> bytes:
        answer = self._posted.get(path)
        if answer is None:
            return _refuse(request, 404, f"POST is for {', '.join(self._posted)}")
        if request.is_too_large:
            return _refuse(request, 413, "the request has too many bytes")
        try:
            return _json(request, answer(body_of(request)))
        except UsageError as error:
            return _refuse(request, 400, str(error))

    def _search(self, body: Mapping[str, Any]) -> list[str]:
        names = [f"{self._settings.name}.{name}" for name in self._buffer.names()]
        return grafana.search(body, names)


def _json(request: Any, value: Any) -> bytes:
    request.setHeader(b"content-type", JSON.encode())
    return dumps(value) + b"\n"


def _refuse(request: Any, code: int, message: str) -> bytes:
    request.setResponseCode(code)
    return _json(request, {"error": {"message": message}})
