"""The control API: HTTP and JSON over a Unix socket (docs/reference/control-api.md)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.logger import Logger

from ocsd.audit.entry import AuditKind, AuditOutcome
from ocsd.audit.secrets import told
from ocsd.daemon.api.askers import Asker, Askers, refuse
from ocsd.daemon.api.exchange import (
    JsonLeaf,
    LineStream,
    QuietSite,
    answer_of,
    bad_body,
    body_object,
    limit_of,
    refusal,
    refused_answer,
)
from ocsd.daemon.api.requests import PendingRequest, Write, described
from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.plan import why_left_alone
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.planning.reload import Reloaded
from ocsd.daemon.watching.auditing import Audit
from ocsd.errors import NoSuchInstanceError, NotPermittedError, OcsdError, UsageError
from ocsd.supervisor.events import Target
from ocsd.supervisor.wish import WITH_ALL
from ocsd.system.web_server import resource, server

if TYPE_CHECKING:
    from ocsd.daemon.api.evaluator import AlarmDesk

DEFAULT_LIMIT_S: Final = 60.0

Stop = Callable[[Write, str], None]
Refuse = Callable[[OcsdError], None]
Reload = Callable[[str, bool, str | None], Reloaded]


class UpgradePort(Protocol):
    """Replaces this daemon by that of the installed version."""

    def request(self, answer: Write, refuse: Refuse, by: str) -> None:
        """Begin, because `by` asks for that; write the answer, or a refusal."""

    def foresee(self, answer: Write, refuse: Refuse) -> None:
        """Write what it would do, or a refusal."""


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
    upgrade: UpgradePort
    """Replaces this daemon."""
    reload: Reload
    """Takes the site file into use; takes the client, whether only to report the changes, and
    another text to do that for. Returns these, and the targets of the instances that move.
    """
    hooks: HookTrial
    """Lists and tries the hooks of the host."""
    audit: Audit
    """Takes what was asked for, and by whom."""
    askers: Askers = field(default_factory=Askers)
    """Finds out who asks, and refuses what that person may not ask for."""
    alarms: "AlarmDesk | None" = None
    """The alarms of the host; None: nobody answers for them."""
    far: Callable[[Any, Asker, Mapping[str, Any]], int] | None = None
    """Answers a request to another host of the site (`ocsd.daemon.site.face`)."""

    def site(self) -> server.Site:
        """Return the web site that serves the control API."""
        # Any: twisted.web's interfaces are zope's, which mypy cannot match with classes.
        root: Any = resource.Resource()
        version: Any = resource.Resource()
        instances: Any = resource.Resource()
        root.putChild(b"v1", version)
        version.putChild(
            b"status", JsonLeaf(self._looking("status", self._status), b"GET", b"HEAD")
        )
        version.putChild(
            b"events", JsonLeaf(self._looking("events", self._events), b"GET", b"HEAD")
        )
        version.putChild(b"stop", JsonLeaf(self._stop))
        version.putChild(b"upgrade", JsonLeaf(self._upgrade))
        version.putChild(b"reload", JsonLeaf(self._reload))
        version.putChild(b"hooks", JsonLeaf(self._list_or_try_hook, b"GET", b"HEAD", b"POST"))
        version.putChild(b"audit", JsonLeaf(self._take_note))
        version.putChild(b"alarms", JsonLeaf(self._alarms, b"GET", b"HEAD", b"POST"))
        version.putChild(b"site", JsonLeaf(self._ask_site))
        version.putChild(b"instances", instances)
        changes = {
            "up": (self.fleet.up, Target.UP),
            "down": (self.fleet.down, Target.DOWN),
            "restart": (self.fleet.restart, Target.UP),
        }
        for verb, (change, target) in changes.items():
            instances.putChild(verb.encode(), JsonLeaf(partial(self._change, verb, change, target)))
        return QuietSite(root)

    def _status(self, request: Any) -> bytes:
        return answer_of(request, self.status.as_json())

    def _events(self, request: Any) -> int:
        request.setHeader(b"content-type", b"text/event-stream")
        request.setHeader(b"cache-control", b"no-cache")
        stream = LineStream(request, prefix=b"data: ", suffix=b"\n\n")
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
        body = body_object("/v1/instances", request)
        asker = self._permitted(verb, request, body)
        try:
            names, rest, limit_s = self._read_change(verb, body)
            self._refuse_left_alone(names)
            self.fleet.check(names)
        except NoSuchInstanceError as error:
            return refused_answer(request, error, 404)
        by = asker.text
        if body.get("all") is True:
            by += WITH_ALL
        stream = LineStream(request)
        pending = self._results(stream, dict.fromkeys(names, target), limit_s)
        try:
            with self._audited(asker, verb, " ".join(names)):
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

    def _read_change(
        self, verb: str, body: Mapping[str, Any]
    ) -> tuple[list[str], dict[str, str], float]:
        """Return the instances, those left out and why, and how long the request waits [s]."""
        rest: dict[str, str] = {}
        names = body.get("names")
        if body.get("all") is True:
            rest = self._left_out(verb, leave_put_down=body.get("leave_put_down") is True)
            names = [name for name in self.fleet.listed if name not in rest]
        limit_s = limit_of("/v1/instances", body.get("timeout_s", DEFAULT_LIMIT_S))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError('name the instances, as {"names": ["NAME"]}, or say {"all": true}')
        return list(dict.fromkeys(names)), rest, limit_s

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
        asker = self._permitted("stop", request)
        stream = LineStream(request)
        stream.begin()
        # The answer ends with the daemon, which closes its sockets as it goes.
        with self._audited(asker, "stop"):
            self.stop(stream.write, asker.text)
        return server.NOT_DONE_YET

    def _reload(self, request: Any) -> bytes | int:
        """Take the site file into use; with a time limit, also stream the results."""
        body = body_object("/v1/reload", request)
        dry_run, text = body.get("dry_run") is True, body.get("text")
        if text is not None and not (dry_run and isinstance(text, str)):
            raise UsageError("a text in place of the site file is only tried: add dry_run")
        limit_s = "timeout_s" in body and limit_of("/v1/reload", body["timeout_s"])
        asker = self._permitted("reload", request, body)
        if dry_run:
            change, under_way = self.reload(asker.text, True, text)
        else:
            with self._audited(asker, "reload"):
                change, under_way = self.reload(asker.text, False, None)
        if not limit_s:
            return answer_of(request, change.as_json())
        stream = LineStream(request)
        pending = self._results(stream, under_way, limit_s)
        stream.write({**change.as_json(), "waits_for": list(under_way)})
        self.fleet.when_launched(pending.report_settled)
        return server.NOT_DONE_YET

    def _upgrade(self, request: Any) -> int:
        body = body_object("/v1/upgrade", request)
        asker = self._permitted("upgrade", request, body)
        stream = LineStream(request)

        def last(line: dict[str, Any]) -> None:
            stream.write(line)
            stream.finish()

        def refused(error: OcsdError) -> None:
            request.setResponseCode(400)
            last(refusal(error))

        def failed(error: OcsdError) -> None:
            self._note(asker, "upgrade", "", AuditOutcome.FAILED, str(error))
            refused(error)

        if body.get("dry_run") is True:
            self.upgrade.foresee(last, refused)
            return server.NOT_DONE_YET
        # The answer ends when the successor closes the descriptors that it finds open.
        with self._audited(asker, "upgrade"):
            self.upgrade.request(stream.write, failed, asker.text)
        return server.NOT_DONE_YET

    def _list_or_try_hook(self, request: Any) -> bytes | int:
        """List the hooks, or run one and stream how it began and ended."""
        if request.method != b"POST":
            self._permitted("hooks", request)
            commands = {occasion: list(words) for occasion, words in self.hooks.hooks.items()}
            return answer_of(request, {"hooks": commands})
        body = body_object("/v1/hooks", request)
        if "occasion" not in body:
            raise bad_body("/v1/hooks", KeyError("occasion"))
        occasion, name = body["occasion"], body.get("instance_id")
        asker = self._permitted("hook", request, body)
        stream, begun_s = LineStream(request), self.clock.seconds()

        def ended(result: dict[str, Any]) -> None:
            took_s = round(self.clock.seconds() - begun_s, 3)
            stream.write({"event": "hook_ended", **result, "took_s": took_s})
            stream.finish()

        with self._audited(asker, "hook", f"{occasion} {name or ''}".strip()):
            self.hooks.try_hook(str(occasion), name, asker.text, ended)
        stream.begin()
        return server.NOT_DONE_YET

    def _results(
        self, stream: "LineStream", wanted: Mapping[str, Target], limit_s: float
    ) -> PendingRequest:
        """Write the progress and results of a request until all are known."""
        pending = PendingRequest(
            self.fleet, wanted, stream.write, stream.finish, self.clock, limit_s
        )
        stream.on_close = pending.abandon
        return pending

    def _alarms(self, request: Any) -> bytes | int:
        """Pass a request on to the process that evaluates alarms."""
        from ocsd.daemon.api.alarms import AlarmRequests  # few sites have alarms

        if self.alarms is None:
            raise UsageError("this daemon answers nothing about alarms")
        return AlarmRequests(self.alarms, self._permitted, self._note).answer(request)

    def _ask_site(self, request: Any) -> int:
        """Pass a request on to another host of the site."""
        body = body_object("/v1/site", request)
        asker = self._permitted("site", request, body)
        if self.far is None:
            raise UsageError("this daemon asks no other hosts")
        return self.far(request, asker, body)

    def _take_note(self, request: Any) -> bytes:
        """Write down what a command has done without the daemon, e.g. made a user."""
        body = body_object("/v1/audit", request)
        asker = self._permitted("audit", request, body)
        facts = {**asker.facts(), "target": str(body.get("target", ""))}
        action = str(body.get("action") or "")
        if not action:
            raise bad_body("/v1/audit", KeyError("action"))
        parameters = told(body.get("parameters"))
        if body.get("kind") == AuditKind.CHANGE:
            self.audit.change(action, parameters=parameters, **facts)
        else:
            self.audit.access(action, parameters=parameters, **facts)
        return answer_of(request, {})

    def _looking(
        self, action: str, answer: Callable[[Any], bytes | int]
    ) -> Callable[[Any], bytes | int]:
        """Return what answers a request that changes nothing."""

        def checked(request: Any) -> bytes | int:
            self._permitted(action, request)
            return answer(request)

        return checked

    def _permitted(self, action: str, request: Any, body: Mapping[str, Any] | None = None) -> Asker:
        """Return who asks, if that person may; else refuse it, and write that down."""
        asker = self.askers.of(request, body)
        try:
            refuse(asker, action)
        except NotPermittedError as error:
            self.log.warn("{error} ({who})", error=error, who=asker.text)
            self._note(asker, action, "", AuditOutcome.REFUSED, str(error))
            raise
        return asker

    @contextmanager
    def _audited(self, asker: Asker, action: str, target: str = "") -> Iterator[None]:
        """Log and write down a request, and whether it failed."""
        change = f"{action} {target}".rstrip()
        self.log.info("{change}, asked for by {who}", change=change, who=asker.text)
        try:
            yield
        except OcsdError as error:
            self._note(asker, action, target, AuditOutcome.FAILED, str(error))
            raise
        self._note(asker, action, target, AuditOutcome.DONE)

    def _note(
        self, asker: Asker, action: str, target: str, outcome: AuditOutcome, reason: str = ""
    ) -> None:
        self.audit.change(action, outcome, target=target, reason=reason, **asker.facts())
