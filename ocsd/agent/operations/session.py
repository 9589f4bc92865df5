"""One run of an operation, as the operation and its clients see it."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed

from ocsd.base import OpCode
from ocsd.bus.caller import Caller
from ocsd.bus.encoding import json_safe, sendable, shown

# A session's status moves forward only.
SESSION_STATUS_CODES = [None, "starting", "running", "stopping", "done"]

# Bounds of the messages of a session that are kept (docs/reference/wire.md, "Operations").
KEPT_MESSAGES = {
    "min_age_s": 3600,
    "min_messages": 5,
    "max_messages": 10000,
    # With as much data again, a reply is half as large as a router can carry.
    "max_bytes": 4 * 2**20,
}

# Longest message [characters]: messages are for people, not for the dump of a device.
LONGEST_SESSION_MESSAGE = 10_000

END_LIMIT_S = 10.0
"""Time in which a run should end after a client has asked for it [s]."""

MESSAGE_HEAD_BYTES = 32
"""Size of a message without its text [bytes]."""

_CODES = {
    None: OpCode.NONE,
    "starting": OpCode.STARTING,
    "running": OpCode.RUNNING,
    "stopping": OpCode.STOPPING,
    "done": OpCode.FAILED,
}


class OpSession:
    """One run of an operation; every method may be called from any thread.

    Parameters
    ----------
    session_id : int
        Number of this run, unique within the life of the agent.
    op_name : str
        The operation.
    status : str
        Status to begin with.
    app : OCSAgent, optional
        The agent; its log gets the session's messages.
    purge_policy : dict, optional
        Overrides of `KEPT_MESSAGES`.
    cred_level : int
        Credential level of the client that started the operation.
    clock, monotonic : callable
        Return the Unix time and the monotonic time [s].

    Attributes
    ----------
    data : dict
        Data of the operation for its clients, who get them with every reply.
    degraded : bool
        Set by an operation that runs without achieving its purpose, e.g. while
        its device does not answer.
    success : bool or None
        None until the operation has ended.
    asked_by : str
        Who asked the operation to end; empty if nobody has.
    started_by, ended_by : Caller or None
        The client that started it, and the one that asked it to end; None for the agent itself.
    """

    def __init__(
        self,
        session_id: int,
        op_name: str,
        status: str = "starting",
        app: Any = None,
        purge_policy: Mapping[str, int] | None = None,
        cred_level: int = 1,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session_id = session_id
        self.op_name = op_name
        self.app = app
        self.cred_level = cred_level
        self.purge_policy = {**KEPT_MESSAGES, **(purge_policy or {})}
        self.messages: list[tuple[float, str]] = []
        self.data: Any = {}
        self.degraded = False
        self.success: bool | None = None
        self.asked_by = ""
        self.started_by: Caller | None = None
        self.ended_by: Caller | None = None
        self.status: str | None = None
        self.start_time = clock()
        self.end_time: float | None = None
        self._clock = clock
        self._monotonic = monotonic
        self._begun_s = monotonic()
        self._lock = threading.RLock()
        self._waiting: list[Deferred[None]] = []
        self._fault: str | None = None
        self._data_fault: str | None = None
        self._complained = False
        # Size of all messages, and how many were left out because of it.
        self._messages_bytes = 0
        self._left_out = 0
        # The action that a client asked for last, and when [s, monotonic].
        self._end_asked: tuple[str, float] | None = None
        self.set_status(status, timestamp=self.start_time)

    @property
    def op_code(self) -> OpCode:
        """Status, success and `degraded` as one number."""
        if self.success:
            return OpCode.SUCCEEDED
        if self.status == "running" and self.degraded:
            return OpCode.DEGRADED
        return _CODES[self.status]

    @property
    def fault(self) -> str | None:
        """Reason why this run cannot succeed, whatever its function returns; None if it can."""
        return self._fault or self._data_fault

    def set_status(self, status: str, timestamp: float | None = None) -> None:
        """Move the session forward.

        Parameters
        ----------
        status : str
            ``starting``, ``running``, ``stopping`` or ``done``.
        timestamp : float, optional
            Unix time of the change [s].

        Raises
        ------
        ValueError
            If `status` is none of these, or behind the present status.
        """
        now = self._time_of(timestamp)
        where = f"operation {self.op_name!r}: status"
        if status not in SESSION_STATUS_CODES:
            raise ValueError(f"{where} {status!r} is none of starting, running, stopping, done")
        with self._lock:
            step = SESSION_STATUS_CODES.index(status) - SESSION_STATUS_CODES.index(self.status)
            if step < 0:
                raise ValueError(f"{where} cannot go back from {self.status!r} to {status!r}")
            if step == 0:
                return
            self.status = status
            if status == "done":
                self.end_time = now
        self.add_message(f'Status is now "{status}".', timestamp=now)

    def enter(self) -> None:
        """Set the status to "running", as the operation's function begins.

        If a client has asked to stop before, the status stays "stopping", for the function
        to see.
        """
        with self._lock:
            if self.status == "starting":
                self.set_status("running")

    def asked_to_end(self, action: str) -> None:
        """Remember that a client has asked to ``stop`` or to ``abort`` the run."""
        self._end_asked = self._end_asked or (action, self._monotonic())

    def is_ended_by(self, client: Caller | None, name: str) -> None:
        """Remember who was the first that made it end: a client, or by its name the agent."""
        if not self.asked_by:
            self.ended_by, self.asked_by = client, name

    def age_s(self) -> float:
        """Return the time since the run was started [s], however the clock was set since."""
        return self._monotonic() - self._begun_s

    def overdue(self) -> str:
        """Return a complaint if the run goes on long after it was asked to end, else nothing."""
        if self._end_asked is None or self.status == "done":
            return ""
        action, asked_at_s = self._end_asked
        past_s = self._monotonic() - asked_at_s
        if past_s < END_LIMIT_S:
            return ""
        why = "its function has not returned since"
        if self.status != "stopping":
            why = f"the function to {action} it did not set the status"
        return f"{action} was asked for {past_s:.0f} s ago; {why}"

    def finish(self, success: bool, message: str | None) -> None:
        """End the session and answer the clients that wait for it (reactor thread).

        A run with a fault does not succeed, whatever its function returns.
        """
        if message is not None:
            self.add_message(message)
        self.check_data()
        with self._lock:
            self.success = success and self.fault is None
            self.set_status("done")
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def ended(self) -> "Deferred[None]":
        """Return a Deferred that fires once the session has ended (reactor thread).

        Cancelling it ends the waiting, not the session.
        """
        if self.success is not None:
            return succeed(None)
        deferred: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(deferred)
        return deferred

    def add_message(self, message: str, timestamp: float | None = None) -> None:
        """Add a line to the messages that clients see, and to the agent's log.

        Parameters
        ----------
        message : str
            The line; anything else is converted.
        timestamp : float, optional
            Unix time of the line [s]; now by default.
        """
        self._add(message, "info", timestamp)

    def add_fault(self, text: str) -> None:
        """Record, in messages and log, why this run cannot succeed any more."""
        self._fault = text
        self._add(text, "error")

    def _add(self, message: object, level: str, timestamp: float | None = None) -> None:
        now = self._time_of(timestamp)
        text = sendable(_text(message)[:LONGEST_SESSION_MESSAGE])
        with self._lock:
            self.messages.append((now, text))
            self._messages_bytes += message_bytes(text)
            self._purge(now)
        if self.app is not None:
            log = getattr(self.app.log, level)
            prefix = {"op_name": self.op_name, "session_id": self.session_id}
            log("{op_name}:{session_id} {text}", text=text, **prefix)

    def _time_of(self, timestamp: float | None) -> float:
        return self._clock() if timestamp is None else timestamp

    def purge_log(self) -> None:
        """Drop the messages that need not be kept any longer."""
        with self._lock:
            self._purge(self._clock())

    def encoded(self) -> dict[str, Any]:
        """Return the session as clients get it.

        Raises
        ------
        ValueError
            If `data` holds an infinity, itself or too much.
        TypeError
            If `data` holds something that JSON has no type for.
        """
        return self._envelope(json_safe(self.data))

    def reply(self) -> dict[str, Any]:
        """Return the session as clients get it, whatever `data` holds.

        A value that JSON cannot hold is replaced, and named once in messages and log,
        because one such value must not make the whole agent unreadable.
        """
        return self._envelope(self.check_data())

    def check_data(self) -> Any:
        """Return the data as clients get them; data that JSON cannot hold are a fault."""
        complaints: list[str] = []
        try:
            data = json_safe(self.data, complaints.append)
        except Exception as error:  # noqa: BLE001 - an author's container may do anything
            data = None
            complaints.append(f"session.data cannot be read: {shown(error)}")
        self._data_fault = None
        if complaints:
            self._data_fault = f"ERROR: operation {self.op_name!r}: {complaints[0]}"
            if not self._complained:
                self._complained = True
                self._add(self._data_fault, "error")
        return data

    def _envelope(self, data: Any) -> dict[str, Any]:
        with self._lock:
            self._purge(self._clock())
            envelope = {
                "session_id": self.session_id,
                "op_name": self.op_name,
                "op_code": self.op_code.value,
                "cred_level": self.cred_level,
                "status": self.status,
                "degraded": bool(self.degraded),
                "success": self.success,
                "start_time": self.start_time,
                "end_time": self.end_time,
                "data": data,
                "messages": [list(message) for message in self.messages],
            }
            clients = {"started_by": self.started_by, "ended_by": self.ended_by}
            envelope |= {key: each.as_json() for key, each in clients.items() if each is not None}
            if self._left_out:
                envelope["messages_left_out"] = self._left_out
            return envelope

    def _purge(self, now: float) -> None:
        oldest_at = now - self.purge_policy["min_age_s"]
        spare = len(self.messages) - self.purge_policy["min_messages"]
        excess = len(self.messages) - self.purge_policy["max_messages"]
        drop = 0
        while drop < excess or (drop < spare and self.messages[drop][0] < oldest_at):
            drop += 1
        drop += self._too_large(drop, spare)
        self._messages_bytes -= sum(message_bytes(text) for _, text in self.messages[:drop])
        del self.messages[:drop]

    def _too_large(self, begin: int, spare: int) -> int:
        """Return how many messages from `begin` on make all of them too large together."""
        dropped_bytes = sum(message_bytes(text) for _, text in self.messages[:begin])
        over_bytes = self._messages_bytes - dropped_bytes - self.purge_policy["max_bytes"]
        end = begin
        while over_bytes > 0 and end < spare:
            over_bytes -= message_bytes(self.messages[end][1])
            end += 1
        self._left_out += end - begin
        return end - begin


def message_bytes(text: str) -> int:
    """Return the size of a message in a reply, with its time [bytes]."""
    return MESSAGE_HEAD_BYTES + len(text.encode("utf-8", "replace"))


def _text(message: object) -> str:
    try:
        return str(message)
    except Exception:  # noqa: BLE001 - an author's __str__ may do anything
        return shown(message)
