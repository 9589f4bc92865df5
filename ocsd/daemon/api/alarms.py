"""The requests of the control API about alarms: this daemon passes them on to their evaluator.

While the evaluator is away, its alarms are shown as it has kept them. Loaded at the first request.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ocsd.audit.entry import AuditOutcome
from ocsd.daemon.api.askers import Asker
from ocsd.daemon.api.evaluator import EVALUATOR_RUNS, AlarmDesk, condition_of
from ocsd.daemon.api.exchange import answer_of, bad_body, body_object, refused_answer
from ocsd.errors import NoSuchAlarmError, NotPermittedError, OcsdError, UnreachableError, UsageError
from ocsd.history.file import read_history
from ocsd.history.summary import HistoryEntry
from ocsd.reactor.unix_exchange import exchange
from ocsd.system.peer import peer_of
from ocsd.system.web_server import server

EVALUATOR_LIMIT_S: Final = 2.0
"""Time that the evaluator has for an answer."""
_VERBS: Final = ("ack", "silence", "unsilence", "test")

Permit = Callable[[str, Any, Mapping[str, Any]], Asker]
Note = Callable[[Asker, str, str, AuditOutcome, str], None]


@dataclass(frozen=True)
class AlarmRequests:
    """Answers the requests below ``/v1/alarms``."""

    desk: AlarmDesk
    permit: Permit
    """Returns who asks for something, or refuses it."""
    note: Note
    """Writes into the audit journal."""

    def answer(self, request: Any) -> bytes | int:
        """Answer a request."""
        verb = b"/".join(request.postpath).decode("utf-8", "replace")
        if request.method != b"POST":
            return self._shown(request, verb)
        body = body_object(f"/v1/alarms/{verb}", request)
        if verb == "record":
            return self._recorded(request, body)
        if verb not in _VERBS:
            raise UsageError(f"alarms take no {verb!r}; there are {', '.join(_VERBS)}")
        return self._changed(request, verb, body)

    def _shown(self, request: Any, verb: str) -> int:
        if verb:
            raise UsageError(f"GET /v1/alarms has nothing below it; {verb!r} is for POST")
        self.permit("alarms", request, {})
        self._there_are_alarms()

        def answer(found: dict[str, Any]) -> None:
            request.write(answer_of(request, {**found, "evaluator": EVALUATOR_RUNS}))

        def away(failure: Any) -> None:
            failure.trap(OcsdError)
            why = self._why_away(failure.value)
            request.write(answer_of(request, {**self._kept(), "evaluator": why}))

        return self._soon(request, {"ask": "alarms"}, answer, away)

    def _changed(self, request: Any, verb: str, body: Mapping[str, Any]) -> int:
        action, name = f"alarms/{verb}", _name_in(verb, body)
        asker = self.permit(action, request, body)
        self._there_are_alarms()
        by = asker.says or asker.person or asker.text
        asked = {key: value for key, value in body.items() if key not in {"by", "caller"}}
        asked |= {"ask": verb, "by": by, "asked_by": asker.text}

        def answer(found: dict[str, Any]) -> None:
            refusal = found.get("error")
            outcome, reason = AuditOutcome.DONE, str(body.get("comment", ""))
            if refusal is not None:
                outcome, reason = AuditOutcome.FAILED, str(refusal.get("message", ""))
                request.setResponseCode(400)
                if refusal.get("exit_code") == NoSuchAlarmError.exit_code:
                    request.setResponseCode(404)
            self.note(asker, action, name, outcome, reason)
            request.write(answer_of(request, found))

        def away(failure: Any) -> None:
            failure.trap(OcsdError)
            why = f"{action} of {name!r} is not known to be done: {self._why_away(failure.value)}"
            self.note(asker, action, name, AuditOutcome.FAILED, why)
            request.write(refused_answer(request, UnreachableError(why), 503))

        return self._soon(request, asked, answer, away)

    def _soon(
        self,
        request: Any,
        asked: Mapping[str, Any],
        answer: Callable[[dict[str, Any]], None],
        away: Callable[[Any], None],
    ) -> int:
        """Ask the evaluator, and finish the request with its answer or without."""
        gone: list[bool] = []
        request.notifyFinish().addErrback(gone.append)
        words = json.dumps(asked).encode() + b"\n"
        path = self.desk.paths.alarms_socket
        asking = exchange(self.desk.reactor, path, words, EVALUATOR_LIMIT_S)
        asking.addCallback(_object_in)

        def unless_gone(write: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: None if gone else write(value)

        asking.addCallbacks(unless_gone(answer), unless_gone(away))
        asking.addErrback(lambda failure: None if gone else _failed(request, failure))
        asking.addCallback(lambda _: None if gone else request.finish())
        return server.NOT_DONE_YET

    def _recorded(self, request: Any, body: Mapping[str, Any]) -> bytes:
        """Write down what the evaluator has seen; nobody else may."""
        keeper, peer = self.desk.keeper, peer_of(request.channel.transport.getHandle())
        if keeper is None or keeper.pid != peer.pid:
            raise NotPermittedError("only the process that evaluates alarms writes them down")
        entries = body.get("entries")
        if not isinstance(entries, list):
            raise bad_body("/v1/alarms/record", KeyError("entries"))
        done = set[tuple[float, str, str]]()
        if body.get("again"):
            # It does not know whether a daemon has written them: it, or that one, was ended.
            history = read_history(self.desk.paths.journal, (keeper.instance_id,))
            done = {(each.at, each.event, each.reason) for each in history}
        for row in entries:
            entry = HistoryEntry(
                at=float(row["at"]),
                name=keeper.instance_id,
                event=str(row["event"]),
                reason=str(row.get("reason", "")),
                by=str(row.get("by", "")),
            )
            if (entry.at, entry.event, entry.reason) not in done:
                self.desk.record(entry.name, entry.event, entry.reason, by=entry.by, at=entry.at)
        return answer_of(request, {})

    def _there_are_alarms(self) -> None:
        if self.desk.keeper is None:
            raise NoSuchAlarmError(
                "this host has no alarms; write the key alarms into its entry of the site file "
                "(docs/see/alarms.md), then: ocsd reload"
            )

    def _why_away(self, error: OcsdError) -> str:
        keeper = self.desk.keeper
        word = "it is not there any more"
        if keeper is not None:
            word = condition_of(keeper)
        if word == EVALUATOR_RUNS:
            word = f"no answer: {error}"
        return f"{word}; see ocsd status, and its log: ocsd logs alarms"

    def _kept(self) -> dict[str, Any]:
        """Return the alarms as the evaluator has kept them."""
        from ocsd.evaluator.kept import shown
        from ocsd.site.alarms.keys import AlarmsKeys

        keys = AlarmsKeys.model_validate(self.desk.alarms() or {})
        places: tuple[Path, ...] = (self.desk.paths.alarms, self.desk.paths.latest_alarms)
        return shown(keys.entries(), places, time.time())


def _name_in(verb: str, body: Mapping[str, Any]) -> str:
    name = body.get("name") or (verb == "test" and body.get("receiver"))
    if not isinstance(name, str) or not name:
        raise bad_body(f"/v1/alarms/{verb}", KeyError("name"))
    return name


def _object_in(answer: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(answer))
    except (ValueError, TypeError) as error:
        raise UnreachableError(f"its answer cannot be read: {error}") from error


def _failed(request: Any, failure: Any) -> None:
    request.write(refused_answer(request, OcsdError(failure.getErrorMessage()), 500))
