"""Tasks and process operations of an agent."""

import inspect
from collections.abc import Callable
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, maybeDeferred, succeed

from ocsd.access.levels import CredLevel
from ocsd.agent.operations.params import described
from ocsd.agent.operations.session import OpSession
from ocsd.agent.operations.thread_deaths import within_session
from ocsd.reactor.threads import in_worker_thread, the_reactor
from ocsd.text.frames import short_path

Operation = Callable[[OpSession, Any], Any]


class AgentOp:
    """The part that tasks and process operations have in common."""

    op_type: str
    end_action: str

    def __init__(
        self,
        launcher: Operation,
        blocking: bool | None,
        stopper: Operation | None,
        stopper_blocking: bool | None,
        min_privs: int,
    ) -> None:
        self.launcher = launcher
        self.blocking = bool(blocking)
        doc = launcher.__doc__
        self.docstring = None if doc is None else str(doc)  # a callable may have any object
        self.refusal: str | None = None
        self.min_privs = CredLevel(max(1, min_privs))
        self._stopper = stopper
        self._stopper_blocking = self.blocking if stopper_blocking is None else stopper_blocking

    @property
    def functions(self) -> list[Operation]:
        """The author's functions."""
        return [function for function in (self.launcher, self._stopper) if function is not None]

    @property
    def place(self) -> str:
        """Name, file and line of the author's function."""
        function = inspect.unwrap(self.launcher)
        code = getattr(function, "__code__", None)
        name = getattr(function, "__qualname__", repr(function))
        if code is None:
            return name
        return f"{name} ({code.co_filename}:{code.co_firstlineno})"

    @property
    def line(self) -> str:
        """Folder, file and line of the author's function; empty if it is none of Python."""
        code = getattr(inspect.unwrap(self.launcher), "__code__", None)
        if code is None:
            return ""
        return f"{short_path(code.co_filename)}:{code.co_firstlineno}"

    def differs_from(self, other: "AgentOp") -> bool:
        """Return whether `other` differs from this operation in anything."""
        mine, others = ({**vars(op), "refusal": None} for op in (self, other))
        return type(self) is not type(other) or mine != others

    def launch(self, session: OpSession, params: Any) -> Deferred[Any]:
        """Enter the operation soon, in a worker thread or in the reactor."""

        def enter() -> Any:
            session.enter()
            return within_session(session, lambda: self.launcher(session, params))

        if self.blocking:
            # In a list, because a thread must not return a Deferred.
            return in_worker_thread(lambda: [enter()]).addCallback(_awaited, session)
        entered: Deferred[Any] = task.deferLater(
            the_reactor(), 0, maybeDeferred, lambda: _awaited([enter()], session)
        )
        return entered

    def launch_deferred(self, session: OpSession, params: Any) -> Deferred[Any]:
        """Do the same as `launch`, under the name that OCS gives it."""
        return self.launch(session, params)

    @property
    def ends_when_asked(self) -> bool:
        """Whether the author has given a function to stop or to abort it."""
        return self._stopper is not None

    def ask_to_end(self, session: OpSession, params: Any) -> Deferred[Any]:
        """Call the author's stopper or aborter, in a worker thread or in the reactor.

        The Deferred fires when the function has returned, at once if there is none to call.
        """
        if self._stopper is None:
            return succeed(None)
        if self._stopper_blocking:
            return in_worker_thread(self._stopper, session, params)
        asked: Deferred[Any] = maybeDeferred(self._stopper, session, params)
        return asked

    def encoded(self) -> dict[str, Any]:
        """Return the description that get_api gives."""
        return {
            "blocking": self.blocking,
            "docstring": self.docstring,
            "op_type": self.op_type,
            "min_privs": self.min_privs.value,
            "params": described(self.launcher),
        }


def _awaited(result: list[Any], session: OpSession) -> Any:
    """Return what an operation's function returned; a coroutine begins to run."""
    [value] = result
    if inspect.iscoroutine(value):
        return within_session(session, lambda: Deferred.fromCoroutine(value))
    return value


class AgentTask(AgentOp):
    """An operation that ends by itself.

    Parameters
    ----------
    launcher : callable
        Called with session and params; returns (ok, message).
    blocking : bool
        Whether `launcher` runs in a worker thread.
    aborter : callable, optional
        Called with session and params when a client asks to abort.
    aborter_blocking : bool, optional
        Whether `aborter` runs in a worker thread; as `blocking` by default.
    min_privs : int
        Credential level that a client needs.
    """

    op_type, end_action = "task", "abort"

    def __init__(
        self,
        launcher: Operation,
        blocking: bool | None = None,
        aborter: Operation | None = None,
        aborter_blocking: bool | None = None,
        min_privs: int = 1,
    ) -> None:
        super().__init__(launcher, blocking, aborter, aborter_blocking, min_privs)
        self.aborter = aborter
        self.aborter_blocking = self._stopper_blocking

    def encoded(self) -> dict[str, Any]:
        """Return the description that get_api gives."""
        return {**super().encoded(), "abortable": self.aborter is not None}


class AgentProcess(AgentOp):
    """An operation that runs until it is stopped.

    Parameters
    ----------
    launcher, blocking, stopper, stopper_blocking, min_privs
        As those of `AgentTask`; `stopper` is called when a client asks to stop.
    """

    op_type, end_action = "process", "stop"

    def __init__(
        self,
        launcher: Operation,
        stopper: Operation | None,
        blocking: bool | None = None,
        stopper_blocking: bool | None = None,
        min_privs: int = 0,
    ) -> None:
        super().__init__(launcher, blocking, stopper, stopper_blocking, min_privs)
        self.stopper = stopper
        self.stopper_blocking = self._stopper_blocking
