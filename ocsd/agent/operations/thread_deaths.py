"""Threads that authors start, and which operation they belong to.

Python prints the traceback of a thread that dies and goes on as if nothing had
happened: an acquisition that has lost its reading thread looks healthy for ever.
"""

import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from ocsd.agent.operations.session import OpSession
from ocsd.bus.encoding import raised

_session: ContextVar[OpSession | None] = ContextVar("session", default=None)
_OWNER = "_ocsd_session"


def within_session(session: OpSession, function: Callable[[], Any]) -> Any:
    """Call a function; the threads that it starts belong to `session`.

    Generators of inlineCallbacks and coroutines that begin in it keep this for
    all their life.
    """
    context = copy_context()
    context.run(_session.set, session)
    return context.run(function)


def present_session() -> OpSession | None:
    """Return the run of an operation that the caller belongs to, or None.

    A thread of a pool belongs to the run that made it, but not for ever.
    """
    owner = _session.get() or _owner(threading.current_thread())
    return owner if owner is not None and owner.success is None else None


def _owner(thread: threading.Thread | None) -> OpSession | None:
    owner: OpSession | None = getattr(thread, _OWNER, lambda: None)()
    return owner if owner is not None and owner.success is None else None


def watch(agent: Any) -> None:
    """Have the death of a thread told to the operation that started it.

    Parameters
    ----------
    agent : OCSAgent
        Is told of threads that belong to no operation.
    """
    start, report = threading.Thread.start, threading.excepthook

    def start_owned(self: threading.Thread) -> None:
        owner = present_session()
        if owner is not None:
            setattr(self, _OWNER, weakref.ref(owner))
        start(self)

    def note(args: threading.ExceptHookArgs) -> None:
        report(args)
        if args.exc_value is None or isinstance(args.exc_value, SystemExit):
            return
        name = args.thread.name if args.thread else "unknown"
        session = _owner(args.thread)
        if session is None:
            agent.trouble = f"thread {name!r} died: {raised(args.exc_value)}"
            agent.log.error("{trouble}", trouble=agent.trouble)
        else:
            session.add_fault(
                f"CRASH: thread {name!r} of operation {session.op_name!r} died: "
                f"{raised(args.exc_value)}"
            )
            session.degraded = True

    # Threads do not inherit the context of those who start them before Python
    # 3.14, and there is no hook for their start.
    threading.Thread.start = start_owned  # type: ignore[method-assign] # see above
    threading.excepthook = note
