"""The control API: HTTP and JSON over a Unix socket (docs/control-api.md)."""

import json
import pwd
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from twisted.logger import Logger
from twisted.web import resource, server
from twisted.web.error import UnsupportedMethod

from ocsd.daemon.api.requests import PendingRequest, Write, described
from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.plan import why_left_alone
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.planning.reload import Reloaded
from ocsd.errors import NoSuchInstanceError, OcsdError, UsageError
from ocsd.supervisor.events import Target
from ocsd.supervisor.wish import WITH_ALL
from ocsd.system.peer import login_of, peer_of
from ocsd.text.printable import one_line

DEFAULT_LIMIT_S: Final = 60.0
LONGEST_LIMIT_S: Final = 86400.0
LONGEST_PERSON: Final = 160
"""Length of the words of a program about its user [characters]."""

Stop = Callable[[Write, str], None]
Upgrade = Callable[[Write, Callable[[OcsdError], None], str], None]
Reload = Callable[[str, bool], Reloaded]


class HookTrial(Protocol):
    """Lists and tries the hooks of a host."""

    @property
    def hooks(self) -> Mapping[str, Sequence[str]]:
        """The words of each hook, by occasion."""

    def try_hook(self, occasion: str, name: str | None, by: str, on_end: Write) -> None:
        """Run a hook as if it had happened to an instance; `on_end` takes what came of it."""


@dataclass(frozen=True, eq=False)
class ControlApi:
    """Answers the requests of the control API."""

    log = Logger()

    status: StatusReport
    fleet: Fleet
    clock: Clock
    stop: Stop
    """Stops everything; takes a function that writes a JSON object for each step, and who asks."""
    upgrade: Upgrade
    """Replaces this daemon; takes functions that write the answer and a refusal, and who asks."""
    reload: Reload
    """Takes the site file into use; takes the client, and whether only to report the changes.
    Returns these, and the targets of the instances that move.
    """
    hooks: HookTrial
    """Lists and tries the hooks of the host."""

    def site(self) -> server.Site:
        """Return the web site that serves the control API."""
        # Any: twisted.web's interfaces are zope's, which mypy cannot match with classes.
        root: Any = resource.Resource()
        version: Any = resource.Resource()
        instances: Any = resource.Resource()
        root.putChild(b"v1", version)
        version.putChild(b"status", _Leaf(self._status, b"GET", b"HEAD"))
        version.putChild(b"events", _Leaf(self._events, b"GET", b"HEAD"))
        version.putChild(b"stop", _Leaf(self._stop))
        version.putChild(b"upgrade", _Leaf(self._upgrade))
        version.putChild(b"reload", _Leaf(self._reload))
        version.putChild(b"hooks", _Leaf(self._list_or_try_hook, b"GET", b"HEAD", b"POST"))
        version.putChild(b"instances", instances)
        changes = {
            "up": (self.fleet.up, Target.UP),
            "down": (self.fleet.down, Target.DOWN),
            "restart": (self.fleet.restart, Target.UP),
        }
        for verb, (change, target) in changes.items():
            instances.putChild(verb.encode(), _Leaf(partial(self._change, verb, change, target)))
        return _QuietSite(root)

    def _status(self, request: Any) -> bytes:
        return _answer(request, self.status.as_json())

    def _events(self, request: Any) -> int:
        request.setHeader(b"content-type", b"text/event-stream")
        request.setHeader(b"cache-control", b"no-cache")
        stream = _Stream(request, prefix=b"data: ", suffix=b"\n\n")
        request.write(b": every transition from now on\n\n")
        stream.on_close = self.fleet.observe(lambda change: stream.write(described(change)))
        return server.NOT_DONE_YET

    def _change(
        self,
        verb: str,
        change: Callable[[list[str], str], None],
        target: Target,
        request: Any,
    ) -> bytes | int:
        """Bring instances up or down, or restart them."""
        try:
            names, rest, limit_s, by = self._read_change(verb, request)
            self._refuse_left_alone(names)
            self.fleet.check(names)
        except NoSuchInstanceError as error:
            return _refuse(request, error, 404)
        self._log_change(request, f"{verb} {' '.join(names)}")
        stream = _Stream(request)
        pending = self._results(stream, dict.fromkeys(names, target), limit_s)
        try:
            change(names, by)
        except OcsdError:
            pending.abandon()
            raise
        stream.begin()
        if unwritten := self.fleet.targets.unwritten:
            stream.write({"event": "notice", "text": unwritten})
        for name, reason in rest.items():
            stream.write({"event": "left_out", "instance_id": name, "reason": reason})
        self.fleet.when_launched(pending.report_settled)
        return server.NOT_DONE_YET

    def _refuse_left_alone(self, names: list[str]) -> None:
        for entry in self.status.left_alone():
            if entry.instance_id in names:
                why = why_left_alone(entry)
                raise NoSuchInstanceError(f"{entry.instance_id!r} is not managed here: {why}")

    def _read_change(self, verb: str, request: Any) -> tuple[list[str], dict[str, str], float, str]:
        """Return the instances, those left out and why, how long the request waits [s], and who."""
        rest: dict[str, str] = {}
        try:
            body = json.loads(request.content.read() or b"{}")
            names = body.get("names")
            by = _on_behalf(body.get("by"), asker(request))
            if body.get("all") is True:
                rest = self._left_out(verb, leave_put_down=body.get("leave_put_down") is True)
                by += WITH_ALL
                names = [name for name in self.fleet.listed if name not in rest]
            limit_s = _limit_s(body.get("timeout_s", DEFAULT_LIMIT_S))
        except (ValueError, TypeError, AttributeError) as error:
            raise _bad_body("/v1/instances", error) from error
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError('name the instances, as {"names": ["NAME"]}, or say {"all": true}')
        return list(dict.fromkeys(names)), rest, limit_s, by

    def _left_out(self, verb: str, leave_put_down: bool) -> dict[str, str]:
        """Return the instances that a request for all leaves as they are, each with the reason."""
        if verb == "restart":
            # An instance may be down because its device is being worked on.
            return self.fleet.resting()
        if verb == "up" and leave_put_down:
            return self.fleet.put_down_singly()
        if verb != "down":
            return {}
        names = [page.instance_id for page in self.fleet.pages()]
        return {name: f"it shows what is down; to end it, too: ocsd down {name}" for name in names}

    def _stop(self, request: Any) -> int:
        self._log_change(request, "stop")
        stream = _Stream(request)
        stream.begin()
        # The answer ends with the daemon, which closes its sockets as it goes.
        self.stop(stream.write, asker(request))
        return server.NOT_DONE_YET

    def _reload(self, request: Any) -> bytes | int:
        """Take the site file into use; with a time limit, also stream the results."""
        try:
            body = json.loads(request.content.read() or b"{}")
            dry_run = body.get("dry_run") is True
            limit_s = "timeout_s" in body and _limit_s(body["timeout_s"])
        except (ValueError, TypeError, AttributeError) as error:
            raise _bad_body("/v1/reload", error) from error
        if not dry_run:
            self._log_change(request, "reload")
        change, under_way = self.reload(asker(request), dry_run)
        if not limit_s:
            return _answer(request, change.as_json())
        stream = _Stream(request)
        pending = self._results(stream, under_way, limit_s)
        stream.write({**change.as_json(), "waits_for": list(under_way)})
        self.fleet.when_launched(pending.report_settled)
        return server.NOT_DONE_YET

    def _upgrade(self, request: Any) -> int:
        self._log_change(request, "upgrade")
        stream = _Stream(request)

        def refuse(error: OcsdError) -> None:
            request.setResponseCode(400)
            stream.write(refusal(error))
            stream.finish()

        # The answer ends when the successor closes the descriptors that it finds open.
        self.upgrade(stream.write, refuse, asker(request))
        return server.NOT_DONE_YET

    def _list_or_try_hook(self, request: Any) -> bytes | int:
        """List the hooks, or run one and stream how it began and ended."""
        if request.method != b"POST":
            commands = {occasion: list(words) for occasion, words in self.hooks.hooks.items()}
            return _answer(request, {"hooks": commands})
        try:
            body = json.loads(request.content.read() or b"{}")
            occasion, name = body["occasion"], body.get("instance_id")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _bad_body("/v1/hooks", error) from error
        stream, begun_s = _Stream(request), self.clock.seconds()

        def ended(result: dict[str, Any]) -> None:
            took_s = round(self.clock.seconds() - begun_s, 3)
            stream.write({"event": "hook_ended", **result, "took_s": took_s})
            stream.finish()

        self._log_change(request, f"hook {occasion}")
        self.hooks.try_hook(str(occasion), name, asker(request), ended)
        stream.begin()
        return server.NOT_DONE_YET

    def _results(
        self, stream: "_Stream", wanted: Mapping[str, Target], limit_s: float
    ) -> PendingRequest:
        """Write the progress and results of a request until all are known."""
        pending = PendingRequest(
            self.fleet, wanted, stream.write, stream.finish, self.clock, limit_s
        )
        stream.on_close = pending.abandon
        return pending

    def _log_change(self, request: Any, change: str) -> None:
        self.log.info("{change}, asked for by {who}", change=change, who=asker(request))


class _QuietSite(server.Site):
    """A site without an access log: requests that change anything are logged in words."""

    noisy = False

    def log(self, request: Any) -> None:
        pass


class _Leaf(resource.Resource):
    """A resource without children, whose answers are JSON whatever happens."""

    isLeaf = True  # noqa: N815 - twisted.web's name
    log = Logger()

    def __init__(self, respond: Callable[[Any], bytes | int], *methods: bytes) -> None:
        super().__init__()
        self._respond = respond
        self._methods = methods or (b"POST",)

    def render(self, request: Any) -> bytes | int:
        if request.method not in self._methods:
            raise UnsupportedMethod(self._methods)
        try:
            return self._respond(request)
        except OcsdError as error:
            return _refuse(request, error)
        except Exception as error:  # noqa: BLE001 - a client gets an answer whatever fails
            self.log.failure("a request to the control API failed")
            return _refuse(request, OcsdError(f"{type(error).__name__}: {error}"), 500)


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

    def _close(self, _: object) -> None:
        self._open = False
        self.on_close()


def _refuse(request: Any, error: OcsdError, code: int = 400) -> bytes:
    request.setResponseCode(code)
    return _answer(request, refusal(error))


def _answer(request: Any, value: dict[str, Any]) -> bytes:
    request.setHeader(b"content-type", b"application/json")
    return json.dumps(value).encode() + b"\n"


def _bad_body(resource: str, error: Exception) -> UsageError:
    return UsageError(f"the request's body is not what {resource} takes: {error}")


def _on_behalf(person: object, client: str) -> str:
    """Return who asks, through a program that names its user, e.g. the page in the browser."""
    if not person:
        return client
    return f"{one_line(str(person))[:LONGEST_PERSON]}, through {client}"


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
    """Return the client, as the kernel vouches for it, e.g. ``alice (uid 1000, pid 4121)``.

    Behind `sudo` it is root, and the user that logged in is named as well.
    """
    pid, uid, _ = peer_of(request.channel.transport.getHandle())
    text = f"{_user_name(uid)} (uid {uid}, pid {pid})"
    login = login_of(pid)
    if login is None or login == uid:
        return text
    return f"{text}, logged in as {_user_name(login)}"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "a user without a name"
