"""Answering requests: start, stop, abort, wait and status.

The texts of the answers are part of the wire: client programs match on them
(docs/reference/wire.md, "Operations").
"""

from collections import deque
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks
from twisted.python.failure import Failure

from ocsd.access.levels import CredLevel
from ocsd.agent.operations.asked import request_of
from ocsd.agent.operations.operation import AgentOp, AgentProcess, AgentTask
from ocsd.agent.operations.params import PRESCREEN, ParamError, ParamHandler
from ocsd.agent.operations.session import LONGEST_SESSION_MESSAGE, OpSession
from ocsd.base import ERROR, OK, TIMEOUT
from ocsd.bus.caller import Caller, caller_of, on_behalf
from ocsd.bus.encoding import enclosed, raised_at, shown
from ocsd.reactor.time_limit import within
from ocsd.system.runs import MOST_CLIENT_REQUESTS, OperationRequest

Reply = tuple[int, str, dict[str, Any]]

THE_AGENT: Final = "the agent itself"
"""The asker, if no client is."""


class Operations:
    """The operations of one agent, and their latest sessions, whose messages go to its log.

    Attributes
    ----------
    tasks, processes : dict
        Operations by name.
    sessions : dict
        The latest session of each operation by its name; None if it never ran.
    requests : deque of OperationRequest
        The latest requests of clients that were carried out. Whoever has passed them on
        clears it.
    """

    def __init__(self, app: Any) -> None:
        self.requests: deque[OperationRequest] = deque(maxlen=MOST_CLIENT_REQUESTS)
        self._app = app
        self._next_session_id = 0
        self.tasks: dict[str, AgentTask] = {}
        self.processes: dict[str, AgentProcess] = {}
        self.sessions: dict[str, OpSession | None] = {}

    def add(self, name: str, op: AgentTask | AgentProcess) -> bool:
        """Add an operation under a name, and return whether the name was free.

        Two different operations of one name are both refused to clients; the agent goes
        on with its others.
        """
        earlier = self._find(name)
        if earlier is not None:
            if earlier.differs_from(op):
                earlier.refusal = (
                    f'Operation "{name}" is registered twice, as {earlier.place} and as '
                    f"{op.place}; give one of them another name."
                )
                self._app.log.error("{refusal}", refusal=earlier.refusal)
            return False
        if isinstance(op, AgentTask):
            self.tasks[name] = op
        else:
            self.processes[name] = op
        self.sessions[name] = None
        return True

    def forget(self, number: int) -> None:
        """Drop the oldest requests, which have been passed on."""
        for _ in range(number):
            self.requests.popleft()

    def take_requests(self) -> list[OperationRequest]:
        """Return the requests and forget them, for whoever passes them on at once."""
        taken = list(self.requests)
        self.requests.clear()
        return taken

    def refusals(self) -> list[str]:
        """Return the reasons why some operations are not offered."""
        operations = (*self.tasks.values(), *self.processes.values())
        return [op.refusal for op in operations if op.refusal]

    def active(self) -> list[OpSession]:
        """Return the sessions that have not ended."""
        return [s for s in self.sessions.values() if s is not None and s.success is None]

    def active_processes(self) -> list[OpSession]:
        """Return the sessions of process operations that have not ended."""
        return [session for session in self.active() if session.op_name in self.processes]

    def handle(
        self,
        action: str,
        op_name: str,
        params: Any = None,
        timeout: float | None = None,
        password: Any = None,
        details: Any = None,
        caller: Any = None,
        **_unknown: Any,
    ) -> "Reply | Deferred[Reply]":
        """Answer a call to the agent's ``.ops`` address.

        `details` are autobahn's; `caller` is the person for whom a host calls
        (`ocsd.bus.caller.on_behalf`).
        """
        match action:
            case "start":
                by = on_behalf(caller_of(details), caller)
                return self.start(op_name, params, by, password)
            case "stop" | "abort":
                by = on_behalf(caller_of(details), caller)
                return self.ask_to_end(action, op_name, params, by, password)
            case "wait":
                waiting: Deferred[Reply] = self.wait(op_name, timeout)
                return waiting
            case "status":
                return self.status(op_name)
        return ERROR, f'No implementation for "{op_name}"', {}

    def start(
        self, op_name: str, params: Any = None, by: Caller | None = None, password: Any = None
    ) -> Reply:
        """Start an operation, unless it runs already, or the client may not, or `params` are wrong.

        The client `by` asks for that; None is code of the agent. The agent object as `password`
        may start everything.
        """
        op = self._find(op_name)
        if op is None:
            return ERROR, f'No task or process called "{op_name}"', {}
        if op.refusal:
            return ERROR, op.refusal, {}
        session = self.sessions.get(op_name)
        if session is not None and session.success is None:
            return ERROR, f'Operation "{op_name}" already in progress.', session.reply()
        level, refused = self._judged("start", op_name, op, by, password)
        if refused:
            return ERROR, refused, {}
        try:
            params = _screened(op, params)
        except ParamError as error:
            return ERROR, error.msg[:LONGEST_SESSION_MESSAGE], {}
        except Exception as error:  # noqa: BLE001 - casts and checks are agent code
            text = f"CRASH: during param pre-processing: {error}"
            return ERROR, text[:LONGEST_SESSION_MESSAGE], {}
        session = OpSession(self._next_session_id, op_name, app=self._app, cred_level=level.value)
        session.started_by = by
        self._next_session_id += 1
        self.sessions[op_name] = session
        # Made before the launch, because a worker thread is quick and clients rely on
        # the status "starting".
        reply = session.reply()
        op.launch(session, params).addCallback(self._returned, session).addErrback(
            self._raised, session
        ).addErrback(self._defect, op_name)
        self._note("start", session, by, params)
        return OK, f'Started {op.op_type} "{op_name}".', reply

    @inlineCallbacks
    def wait(self, op_name: str, timeout: float | None = None) -> Any:
        """Wait until an operation has ended; a Deferred of the answer.

        `timeout` is how long to wait [s]: None waits for ever, negative not at all.
        """
        if self._find(op_name) is None:
            return ERROR, f'Unknown operation "{op_name}".', {}
        session = self.sessions[op_name]
        if session is None:
            return OK, "Idle.", {}
        if session.success is None and (timeout is None or timeout >= 0):
            yield within(session.ended(), timeout)
        if session.success is None:
            return TIMEOUT, f'Operation "{op_name}" still running; wait timed out.', session.reply()
        text = f'Operation "{op_name}" is currently not running ({session.op_code.name}).'
        return OK, text, session.reply()

    def status(self, op_name: str) -> Reply:
        """Return the latest session of an operation."""
        if self._find(op_name) is None:
            return ERROR, f'No task or process called "{op_name}"', {}
        session = self.sessions[op_name]
        if session is None:
            return OK, "No session active.", {}
        return OK, "Session active.", session.reply()

    def end_all(self, timeout_s: float) -> "Deferred[Any]":
        """Ask all operations that run to end, and wait for them at most `timeout_s` [s].

        Cancelling the Deferred ends the waiting.
        """
        active = self.active()
        for session in active:
            op = self._find(session.op_name)
            if op is not None and session.status != "stopping":
                self.ask_to_end(op.end_action, session.op_name, password=self._app)
        return within(DeferredList([s.ended() for s in active], consumeErrors=True), timeout_s)

    def _place_of(self, op_name: str) -> str:
        """Return the place of the author's function."""
        op = self._find(op_name)
        if op is None:
            return ""
        return op.line

    def _returned(self, result: Any, session: OpSession) -> None:
        match result:
            # No other sequence of two: arrays of numpy 2.5 would match as well.
            case tuple((ok, message)) | list((ok, message)) if is_truth(ok):
                session.finish(bool(ok), str(message))
            case _:
                session.add_fault(
                    f"CRASH: operation {session.op_name!r} returned {shown(result)} "
                    f"instead of (ok, message){enclosed(self._place_of(session.op_name))}"
                )
                session.finish(False, None)

    def _find(self, op_name: str) -> AgentTask | AgentProcess | None:
        return self.tasks.get(op_name) or self.processes.get(op_name)

    def ask_to_end(
        self,
        action: str,
        op_name: str,
        params: Any = None,
        by: Caller | None = None,
        password: Any = None,
    ) -> Reply:
        """Ask a process operation to ``stop``, or a task to ``abort``; see `start`."""
        op = self._find(op_name)
        if op is None:
            return ERROR, f'No operation called "{op_name}".', {}
        if action != op.end_action:
            return ERROR, f'Cannot "{action}" "{op_name}" because it is a "{op.op_type}".', {}
        _, refused = self._judged(action, op_name, op, by, password)
        if refused:
            return ERROR, refused, {}
        session = self.sessions[op_name]
        if session is None:
            return ERROR, "No session active.", {}
        if session.status in ("stopping", "done"):
            return ERROR, f"The operation is already {session.status}", {}
        if not op.ends_when_asked:
            text = f'{op.op_type.title()} "{op_name}" has no function to {action} it.'
            return ERROR, text, session.reply()
        session.asked_to_end(action)
        # Before the author's function, which may look at it.
        session.is_ended_by(by, str(by or THE_AGENT))
        self._note(action, session, by, params)
        op.ask_to_end(session, params).addErrback(self._stopper_raised, action, op_name)
        return OK, f'Requested {action} on {op.op_type} "{op_name}".', session.reply()

    def _judged(
        self, action: str, op_name: str, op: AgentOp, by: Caller | None, password: Any
    ) -> tuple[CredLevel, str]:
        """Return the level of a client, and why it may not do this; empty if it may."""
        level, detail = found = self._app.guard.credentials(by, password)
        refused = found.refusal(op.min_privs)
        if password is self._app or not refused:
            return level, ""
        text = "{action} of {op_name} refused to {by}: {refused}"
        whom = str(by or THE_AGENT)
        self._app.log.info(text, action=action, op_name=op_name, by=whom, refused=refused)
        if action == "start" and detail:
            refused = f"{refused} {detail}"
        if by is not None:
            self.requests.append(request_of(action, op_name, by, None, refusal=refused))
        return level, refused

    def _note(self, action: str, session: OpSession, by: Caller | None, params: Any) -> None:
        """Log a request of a client, and keep it for the supervisor's history and audit."""
        if by is None:
            return
        text = "{action} of {op_name}:{session_id}, asked for by {by}"
        ids = {"op_name": session.op_name, "session_id": session.session_id}
        self._app.log.info(text, action=action, by=str(by), **ids)
        self.requests.append(request_of(action, session.op_name, by, params))

    def _raised(self, failure: Failure, session: OpSession) -> None:
        error = failure.value
        if isinstance(error, ParamError):
            session.finish(False, f"ERROR: {error.msg}")
            return
        self._app.log.failure("operation {op} raised", failure=failure, op=session.op_name)
        place = self._place_of(session.op_name)
        told = raised_at(failure, place)
        session.add_fault(f"CRASH: operation {session.op_name!r} raised {told}")
        session.finish(False, None)

    def _stopper_raised(self, failure: Failure, action: str, op_name: str) -> None:
        session = self.sessions[op_name]
        ended = session is not None and session.success is not None
        if ended and isinstance(failure.value, ValueError):
            # It ended by itself just then, and its status cannot go back to "stopping".
            self._app.log.info("{op} had ended before the {action}", op=op_name, action=action)
            return
        text = "the function to {action} {op} raised"
        self._app.log.failure(text, failure=failure, action=action, op=op_name)
        if session is not None:
            crash = f"CRASH: the function to {action} operation {op_name!r} raised"
            session.add_fault(f"{crash} {raised_at(failure)}")

    def _defect(self, failure: Failure, op_name: str) -> None:
        self._app.log.failure("cannot end the session of {op}", failure=failure, op=op_name)


def _screened(op: AgentOp, params: Any) -> Any:
    instructions = getattr(op.launcher, PRESCREEN, None)
    return params if instructions is None else ParamHandler(params).batch(instructions)


def is_truth(ok: object) -> bool:
    """Return whether a value says if a run succeeded: a bool, a number, or a scalar of numpy."""
    return isinstance(ok, (bool, int, float)) or getattr(ok, "shape", None) == ()
