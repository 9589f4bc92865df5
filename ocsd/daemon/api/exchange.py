"""One request of HTTP to the daemon, and its answer: JSON, whatever happens."""

import json
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger

from ocsd.errors import NotPermittedError, OcsdError, UsageError
from ocsd.system.web_server import UnsupportedMethod, resource, server

LONGEST_LIMIT_S: Final = 86400.0


class QuietSite(server.Site):
    """A site without an access log: requests that change anything are logged in words."""

    noisy = False

    def startFactory(self) -> None:
        """Write no log, for whose lines Twisted would wake up each second to make the time."""

    def log(self, request: Any) -> None:
        """Log nothing."""


class JsonLeaf(resource.Resource):
    """A resource without children, whose answers are JSON whatever happens."""

    isLeaf = True  # noqa: N815 - twisted.web's name
    log = Logger()

    def __init__(self, respond: Callable[[Any], bytes | int], *methods: bytes) -> None:
        super().__init__()
        self._respond = respond
        self._methods = methods or (b"POST",)

    def render(self, request: Any) -> bytes | int:
        """Answer a request (twisted.web's interface)."""
        if request.method not in self._methods:
            raise UnsupportedMethod(self._methods)
        try:
            return self._respond(request)
        except NotPermittedError as error:
            return refused_answer(request, error, 403)
        except OcsdError as error:
            return refused_answer(request, error)
        except Exception as error:  # noqa: BLE001 - a client gets an answer whatever fails
            self.log.failure("a request to the control API failed")
            return refused_answer(request, OcsdError(f"{type(error).__name__}: {error}"), 500)


class LineStream:
    """Writes a JSON object a line to a client, for as long as it listens."""

    def __init__(self, request: Any, prefix: bytes = b"", suffix: bytes = b"\n") -> None:
        if not prefix:
            request.setHeader(b"content-type", b"application/x-ndjson")
        self._request = request
        self._prefix = prefix
        self._suffix = suffix
        self._open = True
        request.notifyFinish().addBoth(self._close)
        self.on_close: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Let the client know that its request is being carried out."""
        if self._open:
            self._request.write(b"")

    def write(self, value: dict[str, Any]) -> None:
        """Write an object."""
        if self._open:
            self._request.write(self._prefix + json.dumps(value).encode() + self._suffix)

    def finish(self) -> None:
        """End the answer."""
        if self._open:
            self._request.finish()

    def _close(self, _: object) -> None:
        self._open = False
        self.on_close()


def refused_answer(request: Any, error: OcsdError, code: int = 400) -> bytes:
    """Return the answer to a request that is refused, with its status of HTTP."""
    request.setResponseCode(code)
    return answer_of(request, refusal(error))


def answer_of(request: Any, value: dict[str, Any]) -> bytes:
    """Return a value as the answer."""
    request.setHeader(b"content-type", b"application/json")
    return json.dumps(value).encode() + b"\n"


def bad_body(resource: str, error: Exception) -> UsageError:
    """Return the error for a body that is not what a resource takes."""
    return UsageError(f"the request's body is not what {resource} takes: {error}")


def body_object(resource: str, request: Any) -> dict[str, Any]:
    """Return the object that a request posts."""
    try:
        body = json.loads(request.content.read() or b"{}")
    except (ValueError, RecursionError) as error:
        raise bad_body(resource, error) from error
    if not isinstance(body, dict):
        raise bad_body(resource, TypeError("it is no object"))
    return body


def limit_of(resource: str, value: Any) -> float:
    """Return how long a request waits [s]."""
    try:
        limit_s = float(value)
    except (ValueError, TypeError) as error:
        raise bad_body(resource, error) from error
    if not 0 < limit_s <= LONGEST_LIMIT_S:
        raise UsageError(f"timeout_s is {limit_s}; it must be above 0 and at most a day")
    return limit_s


def refusal(error: OcsdError) -> dict[str, Any]:
    """Return the answer to a request that is refused."""
    return {"error": {"message": str(error), "exit_code": error.exit_code}}
