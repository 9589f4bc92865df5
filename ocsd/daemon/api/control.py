"""The control API: HTTP and JSON over a Unix socket (docs/control-api.md)."""

import json
import pwd
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.logger import Logger
from twisted.web import resource, server
from twisted.web.error import UnsupportedMethod

from ocsd.daemon.api.requests import PendingRequest, Write, described
from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.planning.reload import Reloaded
from ocsd.errors import NoSuchInstanceError, OcsdError, UsageError
from ocsd.supervisor.events import Target
from ocsd.system.peer import peer_of

DEFAULT_LIMIT_S: Final = 60.0
LONGEST_LIMIT_S: Final = 86400.0

Stop = Callable[[Write], None]
Upgrade = Callable[[Write, Callable[[OcsdError], None]], None]
Reload = Callable[[str, bool], Reloaded]


def control_site(
    status: StatusReport,
    fleet: Fleet,
    clock: Clock,
    stop: Stop,
    upgrade: Upgrade,
    reload: Reload,
) -> server.Site:
    """Return the web site that serves the control API.

    Parameters
    ----------
    status : StatusReport
        The answer to ``GET /v1/status``.
    fleet : Fleet
        The instances.
    clock : Clock
        The time.
    stop : callable
        Stops everything; takes a function that writes a JSON object for each step.
    upgrade : callable
        Replaces this daemon; takes a function that writes the answer, and one that
        writes a refusal.
    reload : callable
        Takes the site file into use; takes the client, and whether only to report the
        changes. Returns these, and the targets of the instances that move.
    """
    # Any: twisted.web's interfaces are zope's, which mypy cannot match with classes.
    root: Any = resource.Resource()
    version: Any = resource.Resource()
    instances: Any = resource.Resource()
    root.putChild(b"v1", version)
    version.putChild(b"status", _Status(status))
    version.putChild(b"events", _Events(fleet))
    version.putChild(b"stop", _Stop(stop))
    version.putChild(b"upgrade", _Upgrade(upgrade))
    version.putChild(b"reload", _Reload(reload, fleet, clock))
    version.putChild(b"instances", instances)
    instances.putChild(b"up", _Change(fleet, clock, "up", fleet.up, Target.UP))
    instances.putChild(b"down", _Change(fleet, clock, "down", fleet.down, Target.DOWN))
    instances.putChild(b"restart", _Change(fleet, clock, "restart", fleet.restart, Target.UP))
    return _QuietSite(root)


class _QuietSite(server.Site):
    """A site without an access log: requests that change anything are logged in words."""

    noisy = False

    def log(self, request: Any) -> None:
        pass


class _Leaf(resource.Resource):
    """A resource without children that answers in JSON."""

    isLeaf = True  # noqa: N815 - twisted.web's name
    log = Logger()

    def render(self, request: Any) -> bytes | int:
        """Answer in JSON whatever happens."""
        try:
            answer: bytes | int = super().render(request)
        except OcsdError as error:
            return self.refuse(request, error)
        except UnsupportedMethod:
            raise
        except Exception as error:  # noqa: BLE001 - a client gets an answer whatever fails
            self.log.failure("a request to the control API failed")
            return self.refuse(request, OcsdError(f"{type(error).__name__}: {error}"), 500)
        return answer

    def refuse(self, request: Any, error: OcsdError, code: int = 400) -> bytes:
        request.setResponseCode(code)
        return self.answer(request, refusal(error))

    def answer(self, request: Any, value: dict[str, Any]) -> bytes:
        request.setHeader(b"content-type", b"application/json")
        return json.dumps(value).encode() + b"\n"

    def log_change(self, request: Any, change: str) -> None:
        """Log who asked for a change."""
        self.log.info("{change}, asked for by {who}", change=change, who=asker(request))


class _Stream:
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
        if self._open:
            self._request.write(self._prefix + json.dumps(value).encode() + self._suffix)

    def finish(self) -> None:
        if self._open:
            self._request.finish()

    def results(
        self, fleet: Fleet, wanted: Mapping[str, Target], clock: Clock, limit_s: float
    ) -> PendingRequest:
        """Write the progress and results of a request until all are known."""
        pending = PendingRequest(fleet, wanted, self.write, self.finish, clock, limit_s)
        self.on_close = pending.abandon
        return pending

    def _close(self, _: object) -> None:
        self._open = False
        self.on_close()


class _Status(_Leaf):
    def __init__(self, status: StatusReport) -> None:
        super().__init__()
        self._status = status

    def render_GET(self, request: Any) -> bytes:
        return self.answer(request, self._status.as_json())


class _Events(_Leaf):
    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet

    def render_GET(self, request: Any) -> int:
        request.setHeader(b"content-type", b"text/event-stream")
        request.setHeader(b"cache-control", b"no-cache")
        stream = _Stream(request, prefix=b"data: ", suffix=b"\n\n")
        request.write(b": every transition from now on\n\n")
        stream.on_close = self._fleet.observe(lambda change: stream.write(described(change)))
        return server.NOT_DONE_YET


class _Change(_Leaf):
    """Brings instances up or down, or restarts them."""

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        verb: str,
        change: Callable[[list[str], str], None],
        wanted: Target,
    ) -> None:
        super().__init__()
        self._fleet = fleet
        self._clock = clock
        self._verb = verb
        self._change = change
        self._wanted = wanted

    def render_POST(self, request: Any) -> bytes | int:
        try:
            names, rest, limit_s = self._read(request)
            self._fleet.check(names)
        except NoSuchInstanceError as error:
            return self.refuse(request, error, 404)
        self.log_change(request, f"{self._verb} {' '.join(names)}")
        stream = _Stream(request)
        wanted = dict.fromkeys(names, self._wanted)
        pending = stream.results(self._fleet, wanted, self._clock, limit_s)
        try:
            self._change(names, asker(request))
        except OcsdError:
            pending.abandon()
            raise
        stream.begin()
        for name, reason in rest.items():
            stream.write({"event": "left_out", "instance_id": name, "reason": reason})
        self._fleet.when_launched(pending.report_settled)
        return server.NOT_DONE_YET

    def _read(self, request: Any) -> tuple[list[str], dict[str, str], float]:
        """Return the instances, those left out and why, and how long the request waits [s]."""
        rest: dict[str, str] = {}
        try:
            body = json.loads(request.content.read() or b"{}")
            names = body.get("names")
            if body.get("all") is True:
                if self._verb == "restart":
                    # An instance may be down because its device is being worked on.
                    rest = self._fleet.resting()
                names = [name for name in self._fleet.listed if name not in rest]
            limit_s = _limit_s(body.get("timeout_s", DEFAULT_LIMIT_S))
        except (ValueError, TypeError, AttributeError) as error:
            raise _bad_body("/v1/instances", error) from error
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError('name the instances, as {"names": ["NAME"]}, or say {"all": true}')
        return list(dict.fromkeys(names)), rest, limit_s


class _Stop(_Leaf):
    def __init__(self, stop: Stop) -> None:
        super().__init__()
        self._stop = stop

    def render_POST(self, request: Any) -> int:
        self.log_change(request, "stop")
        stream = _Stream(request)
        stream.begin()
        # The answer ends with the daemon, which closes its sockets as it goes.
        self._stop(stream.write)
        return server.NOT_DONE_YET


class _Reload(_Leaf):
    """Takes the site file into use; with a time limit it also streams the results."""

    def __init__(self, reload: Reload, fleet: Fleet, clock: Clock) -> None:
        super().__init__()
        self._reload = reload
        self._fleet = fleet
        self._clock = clock

    def render_POST(self, request: Any) -> bytes | int:
        try:
            body = json.loads(request.content.read() or b"{}")
            dry_run = body.get("dry_run") is True
            limit_s = "timeout_s" in body and _limit_s(body["timeout_s"])
        except (ValueError, TypeError, AttributeError) as error:
            raise _bad_body("/v1/reload", error) from error
        if not dry_run:
            self.log_change(request, "reload")
        change, under_way = self._reload(asker(request), dry_run)
        if not limit_s:
            return self.answer(request, change.as_json())
        stream = _Stream(request)
        pending = stream.results(self._fleet, under_way, self._clock, limit_s)
        stream.write({**change.as_json(), "waits_for": list(under_way)})
        self._fleet.when_launched(pending.report_settled)
        return server.NOT_DONE_YET


class _Upgrade(_Leaf):
    def __init__(self, upgrade: Upgrade) -> None:
        super().__init__()
        self._upgrade = upgrade

    def render_POST(self, request: Any) -> int:
        self.log_change(request, "upgrade")
        stream = _Stream(request)

        def refuse(error: OcsdError) -> None:
            request.setResponseCode(400)
            stream.write(refusal(error))
            stream.finish()

        # The answer ends when the successor closes the descriptors that it finds open.
        self._upgrade(stream.write, refuse)
        return server.NOT_DONE_YET


def _bad_body(resource: str, error: Exception) -> UsageError:
    return UsageError(f"the request's body is not what {resource} takes: {error}")


def _limit_s(value: object) -> float:
    """Return how long a request waits [s]."""
    limit_s = float(value)  # type: ignore[arg-type]  # the caller handles the TypeError
    if not 0 < limit_s <= LONGEST_LIMIT_S:
        raise UsageError(f"timeout_s is {limit_s}; it must be above 0 and at most a day")
    return limit_s


def refusal(error: OcsdError) -> dict[str, Any]:
    """Return the answer to a request that is refused."""
    return {"error": {"message": str(error), "exit_code": error.exit_code}}


def asker(request: Any) -> str:
    """Return the client, as the kernel vouches for it, e.g. ``alice (uid 1000, pid 4121)``."""
    pid, uid, _ = peer_of(request.channel.transport.getHandle())
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "a user without a name"
    return f"{name} (uid {uid}, pid {pid})"
