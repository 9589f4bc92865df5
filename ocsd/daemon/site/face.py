"""The daemon as the other hosts of the site see it, and the other hosts as it sees them."""

import importlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, DeferredLock, maybeDeferred, succeed
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from ocsd.audit.entry import AuditOutcome
from ocsd.bus.caller import Caller
from ocsd.daemon.api.askers import Asker, refuse
from ocsd.daemon.api.exchange import answer_of, refusal
from ocsd.daemon.planning.settings import Settings
from ocsd.daemon.site import people
from ocsd.daemon.site.farewells import FAREWELL, Farewells
from ocsd.daemon.site.files import SiteFileKeeper
from ocsd.daemon.site.others import HostAnswer, OtherHosts, tag_of
from ocsd.daemon.site.runs import CommandRuns, FarScreen
from ocsd.errors import (
    NoSuchInstanceError,
    NotPermittedError,
    OcsdError,
    SiteFileError,
    UnreachableError,
    UsageError,
)
from ocsd.reactor.repeating import repeating
from ocsd.status import commands
from ocsd.status.brief import brief, spread
from ocsd.status.site import ASK_LIMIT_S, RUN_LIMIT_S, control_uri
from ocsd.system.web_server import server
from ocsd.text.nearest import did_you_mean

SITE_LINK: Final = "ocsd.daemon.site.link"
"""The module that loads autobahn."""

POLL_ROUND_S: Final = 60.0
"""Time in which each other host is asked once, so that its last state is known when it is away."""
LEAST_POLL_S: Final = 2.0
"""Time from one question to the next at least [s]."""
RIVAL_SHOWN_S: Final = 120.0
"""Time for which another daemon of this host is told after its last try [s]."""

_LIMITS_S: Final = {
    "status": ASK_LIMIT_S,
    "site": ASK_LIMIT_S + 1.0,
    "take_file": 40.0,
    "run": RUN_LIMIT_S,
    "more": RUN_LIMIT_S,
}
"""Time for the answer to some requests of this host's people to another one [s]."""
_USUAL_LIMIT_S: Final = 5.0
_Reply = dict[str, Any]


@dataclass(eq=False)
class SiteFace:
    """Answers requests of other hosts, and takes those of this host's people to them."""

    log = Logger()

    settings: Callable[[], Settings]
    """Returns the settings of the daemon, which a reload changes."""
    status: Callable[[], dict[str, Any]]
    """Returns the status of this host."""
    unmeasured: Callable[[], dict[str, Any]]
    """Returns it without what its processes use."""
    upgrade: Callable[[Callable[[_Reply], None], Callable[[OcsdError], None], str], None]
    """Replaces this daemon; see `ocsd.daemon.api.control.ControlApi`."""
    note: Callable[..., None]
    """Writes a change into the audit journal, as `ocsd.daemon.watching.auditing.Audit.change`."""
    runs: CommandRuns
    others: OtherHosts
    reactor: Any
    farewells: Farewells = field(default_factory=Farewells)
    _link: Any = field(default=None, init=False)
    _rival: tuple[float, str] = field(default=(float("-inf"), ""), init=False)
    _next: int = field(default=0, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _one_by_one: DeferredLock = field(default_factory=DeferredLock, init=False)
    """Held while the site file is replaced, which is checked for seconds before."""

    def start(self) -> None:
        """Join the site's router, and go on asking the other hosts."""
        if self._link is not None:
            return
        settings, module = self.settings(), importlib.import_module(SITE_LINK)
        uri = control_uri(settings.hub.address_root, self.host)
        self._link = module.SiteLink(settings, uri, self._called)
        self._link.start()
        period_s = max(LEAST_POLL_S, POLL_ROUND_S / max(1, len(self._other_names())))
        repeating(self._poll, self.reactor).start(period_s, now=False)

    def say_farewell(self, by: str) -> None:
        """Tell the other hosts that this one is being stopped, and by whom."""
        self._is_stopping = True
        for host in self._other_names():
            told = {"request": FAREWELL, "host": self.host, "by": by}
            maybeDeferred(self._call, host, told, ASK_LIMIT_S).addErrback(lambda _: None)

    @property
    def host(self) -> str:
        """The name of this host."""
        return self.settings().plan.host.name

    def trouble(self) -> str:
        """Return that another daemon has this host's name, if that is so."""
        at_s, text = self._rival
        if self.reactor.seconds() - at_s < RIVAL_SHOWN_S:
            return text
        if self._link is not None and "another daemon" in self._link.reason:
            return str(self._link.reason)
        return ""

    def as_json(self) -> _Reply:
        """Return the part of the status that other hosts compare with their own."""
        return {"digest": self.settings().site.digest, "at": time.time(), "link": self._why_apart()}

    # Requests

    def ask(self, host: str, asker: Asker, body: Mapping[str, Any]) -> "Deferred[_Reply]":
        """Ask a host for a person of this one; it fails with OcsdError."""
        if host == self.host:
            return maybeDeferred(self._respond, asker, body)
        limit_s = _LIMITS_S.get(str(body.get("request")), _USUAL_LIMIT_S)
        claim = people.claim_of(asker, self.host)
        return maybeDeferred(self._call, host, {**body, "caller": claim}, limit_s)

    def answer(self, request: Any, asker: Asker, body: Mapping[str, Any]) -> int:
        """Answer ``POST /v1/site/HOST`` (`ocsd.daemon.api.control`)."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        host = b"/".join(request.postpath).decode("utf-8", "replace")

        def write(reply: _Reply) -> None:
            if gone:
                return
            if "error" in reply:
                request.setResponseCode(400)
            request.write(answer_of(request, reply))
            request.finish()

        asked = self.ask(host, asker, body).addErrback(self._refused, asker)
        asked.addCallback(write).addErrback(lambda failure: self.log.failure("asking", failure))
        return server.NOT_DONE_YET

    def _called(self, client: Caller, body: dict[str, Any]) -> "Deferred[_Reply]":
        """Answer a request that has come through the router."""
        is_closed = self.settings().hub.is_closed
        # Who asks for a person is no daemon that wants this address.
        if body.get("request") == "claim" and people.is_daemon(client, body, is_closed):
            return maybeDeferred(self._claimed, client, body)
        if body.get("request") == FAREWELL and people.is_daemon(client, body, is_closed):
            if body.get("host") in self._other_names():
                self.farewells.heard(client, body, is_closed=is_closed)
            return succeed({})
        asker = people.asker_of(client, body.pop("caller", None), is_closed)
        answered = maybeDeferred(self._respond, asker, body)
        return answered.addErrback(self._refused, asker).addCallback(self._with_farewell)

    def _with_farewell(self, reply: _Reply) -> _Reply:
        """Let an answer say that it is one of the last: a stop takes its time."""
        return {**reply, FAREWELL: True} if self._is_stopping else reply

    def _refused(self, failure: Any, asker: Asker) -> _Reply:
        error = failure.value
        if not isinstance(error, OcsdError):
            self.log.failure("a request of another host failed", failure)
            error = OcsdError(f"host {self.host!r}: {type(error).__name__}: {error}")
        if isinstance(error, NotPermittedError):
            self.log.warn("{error} ({who})", error=error, who=asker.text)
        return refusal(error)

    def _respond(self, asker: Asker, body: Mapping[str, Any]) -> Any:
        requests: Mapping[str, Callable[[Asker, Mapping[str, Any]], Any]] = {
            "status": self._status,
            "site": self._site,
            "names": self._names,
            "run": self._run,
            "more": self._more,
            "file": self._file,
            "take_file": self._take_file,
            "put_back": self._put_back,
        }
        name = str(body.get("request"))
        if name not in requests:
            raise UsageError(f"there is no request {name!r}; there are {', '.join(requests)}")
        return requests[name](asker, body)

    def _status(self, asker: Asker, body: Mapping[str, Any]) -> _Reply:
        refuse(asker, "status")
        if not body.get("brief"):
            return {"status": self.status()}
        told = brief(self.unmeasured())
        tag = tag_of(told)
        unless_known = {} if body.get("known") == tag else {"status": told}
        return {"tag": tag, "at": time.time(), **unless_known}

    def _site(self, asker: Asker, body: Mapping[str, Any]) -> "Deferred[_Reply]":
        refuse(asker, "status")
        names, is_brief = self._other_names(), bool(body.get("brief"))
        asking = DeferredList([self._ask_status(name, is_brief=is_brief) for name in names])

        def known(results: list[tuple[bool, Any]]) -> _Reply:
            own = self.unmeasured() if is_brief else self.status()
            shown = brief(own) if is_brief else own
            mine = {"host": self.host, "status": shown, "seen_at": time.time()}
            rows: list[_Reply] = [{**mine, "trouble": "", "notes": []}]
            told = zip(names, results, strict=True)
            rows += [self.others.row(name, own, answer) for name, (_, answer) in told]
            if not is_brief:
                rows = [{**row, "status": row["status"] and spread(row["status"])} for row in rows]
            return {"asked": self.host, "hosts": self._as_in_the_file(rows)}

        return asking.addCallback(known)

    def _names(self, asker: Asker, _body: Mapping[str, Any]) -> _Reply:
        refuse(asker, "status")
        hosts = self.settings().site.hosts
        listed = {
            name: [each.instance_id for each in entry.instances] for name, entry in hosts.items()
        }
        return {"hosts": listed}

    def _run(self, asker: Asker, body: Mapping[str, Any]) -> Any:
        words: Any = body.get("words")
        command = commands.checked(words)
        name = words[0]
        self._permitted(asker, command.action, name)
        if name == "upgrade" and "--dry-run" not in words:
            return self._upgrade(asker)
        if "--stdin" in words:
            self._refuse_strangers_files()
        return self.runs.begin(
            words,
            asker,
            changes=command.action != "status",
            given=str(body.get("input") or ""),
            screen=FarScreen.of(body),
        )

    def _more(self, asker: Asker, body: Mapping[str, Any]) -> Any:
        return self.runs.more(body.get("run"), asker)

    def _upgrade(self, asker: Asker) -> "Deferred[_Reply]":
        """Replace this daemon; the answer leaves before it does."""
        answered: Deferred[_Reply] = Deferred()
        since_at = self.status()["since_at"]

        def agreed(told: _Reply) -> None:
            self._note(asker, "upgrade", AuditOutcome.DONE)
            reply = {**told, "run": None, "out": "", "err": "", "exit_code": 0}
            answered.callback({**reply, "since_at": since_at})

        def refused(error: OcsdError) -> None:
            self._note(asker, "upgrade", AuditOutcome.FAILED, str(error))
            answered.errback(error)

        self.upgrade(agreed, refused, asker.text)
        return answered

    # The site file

    def _file(self, asker: Asker, _body: Mapping[str, Any]) -> "Deferred[_Reply]":
        return deferToThread(self._keeper(asker, "file").shown)

    def _take_file(self, asker: Asker, body: Mapping[str, Any]) -> "Deferred[_Reply]":
        keeper = self._keeper(asker, "take_file")
        wanted = body.get("text"), body.get("digest_before")
        return self._replace(lambda: keeper.take(*wanted), asker, "take_file")

    def _put_back(self, asker: Asker, _body: Mapping[str, Any]) -> "Deferred[_Reply]":
        return self._replace(self._keeper(asker, "put_back").put_back, asker, "put_back")

    def _keeper(self, asker: Asker, action: str) -> SiteFileKeeper:
        self._permitted(asker, action, "")
        self._refuse_strangers_files()
        path = self.settings().site.path
        if path is None:
            raise SiteFileError(f"host {self.host!r} runs without a site file")
        return SiteFileKeeper(Path(path), self.host)

    def _refuse_strangers_files(self) -> None:
        hub = self.settings().hub
        people.refuse_strangers_files(hub.is_closed, hub.is_local, hub.take_files)

    def _replace(self, work: Callable[[], _Reply], asker: Asker, action: str) -> "Deferred[_Reply]":
        """Replace the site file in a thread, one request after the other, and note it."""

        def failed(failure: Any) -> Any:
            self._note(asker, action, AuditOutcome.FAILED, str(failure.value))
            return failure

        def done(reply: _Reply) -> _Reply:
            self._note(asker, action, AuditOutcome.DONE, f"SHA-256 {reply['digest']}")
            self.log.info("{action}, asked for by {who}", action=action, who=asker.text)
            return reply

        replaced = self._one_by_one.run(lambda: deferToThread(work))
        return replaced.addCallbacks(done, failed)

    # What is known of others

    def _ask_status(self, host: str, *, is_brief: bool) -> "Deferred[HostAnswer]":
        """Ask a host for its status; the Deferred does not fail."""
        begun_s = self.reactor.seconds()

        def answered(reply: _Reply) -> HostAnswer:
            if "error" in reply:
                return HostAnswer(None, str(reply["error"].get("message")))
            took_s = self.reactor.seconds() - begun_s
            return HostAnswer(self.others.answered(host, reply, took_s))

        # For nobody but this host itself, which may see all hosts.
        question = self.others.question(host) if is_brief else {"request": "status"}
        asked = maybeDeferred(self._call, host, question, ASK_LIMIT_S)
        asked.addCallback(answered)
        return asked.addErrback(lambda failure: HostAnswer(None, str(failure.value)))

    def _call(self, host: str, body: Mapping[str, Any], limit_s: float) -> Any:
        if self._link is None:
            raise UnreachableError(f"host {self.host!r} has not joined the site's router yet")
        uri = control_uri(self.settings().hub.address_root, host)
        if host in self._other_names():
            called = maybeDeferred(self._link.call, uri, host, body, limit_s)
            return self.farewells.explained(host, called)
        names = self.settings().site.hosts
        near = did_you_mean(host, names) or f"; it has {', '.join(names)}"
        raise NoSuchInstanceError(f"the site file of {self.host!r} has no host {host!r}{near}")

    def _poll(self) -> None:
        names = self._other_names()
        if names and not self._why_apart():
            self._next = (self._next + 1) % len(names)
            self._ask_status(names[self._next], is_brief=True)

    def _other_names(self) -> list[str]:
        return [name for name in self.settings().site.hosts if name != self.host]

    def _as_in_the_file(self, rows: list[_Reply]) -> list[_Reply]:
        """Return the hosts in the order of the site file, with the instances that it lists."""
        hosts = self.settings().site.hosts
        by_name = {row["host"]: row for row in rows}
        return [
            {**by_name[name], "listed": [each.instance_id for each in entry.instances]}
            for name, entry in hosts.items()
        ]

    def _claimed(self, client: Caller, body: Mapping[str, Any]) -> _Reply:
        """Note that another daemon wants this host's address, and tell it who has it."""
        from ocsd.daemon.site.link import rival_text  # this has come over it

        told = {key: str(body.get(key))[:100] for key in ("pid", "machine")}
        self._rival = self.reactor.seconds(), rival_text(self.host, told)
        self.log.warn("{text} ({who})", text=self._rival[1], who=str(client))
        return {"pid": os.getpid(), "machine": socket.gethostname()}

    def _why_apart(self) -> str:
        if self._link is None:
            return "not joined yet"
        return str(self._link.reason)

    # Who may, and the record of it

    def _permitted(self, asker: Asker, action: str, name: str) -> None:
        try:
            refuse(asker, action)
        except NotPermittedError as error:
            self._note(asker, name or action, AuditOutcome.REFUSED, str(error))
            raise

    def _note(self, asker: Asker, action: str, outcome: AuditOutcome, reason: str = "") -> None:
        self.note(action, outcome, reason=reason, **asker.facts())
