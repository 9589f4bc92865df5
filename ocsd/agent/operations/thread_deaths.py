"""Deaths of threads that authors start, reported to the operations that they belong to.

Python prints the traceback of a thread that dies and goes on as if nothing had
happened: an acquisition that has lost its reading thread would look healthy for ever.
"""

import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from ocsd.agent.operations.session import OpSession
from ocsd.bus.encoding import enclosed, raised
from ocsd.text.frames import from_author, place_of

_session: ContextVar[OpSession | None] = ContextVar("session", default=None)
_OWNER = "_ocsd_session"


def within_session(session: OpSession, function: Callable[[], Any]) -> Any:
    """Call a function; the threads that it starts belong to `session`.

    So do the threads of generators of inlineCallbacks and of coroutines that begin in it.
    """
    context = copy_context()
    context.run(_session.set, session)
    return context.run(function)


def present_session() -> OpSession | None:
    """Return the run of an operation that the caller belongs to, or None.

    A thread of a pool belongs to the run that made it until that run ends.
    """
    return _unended(_session.get() or _owner(threading.current_thread()))


def _owner(thread: threading.Thread | None) -> OpSession | None:
    owner: OpSession | None = getattr(thread, _OWNER, lambda: None)()
    return _unended(owner)


def _unended(session: OpSession | None) -> OpSession | None:
    if session is None or session.success is not None:
        return None
    return session


def watch(agent: Any) -> None:
    """Report the death of a thread to the operation that started it.

    The agent's `trouble` shows the death of a thread that belongs to no operation.
    """
    start, print_traceback = threading.Thread.start, threading.excepthook

    def start_owned(self: threading.Thread) -> None:
        owner = present_session()
        if owner is not None:
            setattr(self, _OWNER, weakref.ref(owner))
        start(self)

    def report_death(args: threading.ExceptHookArgs) -> None:
        kind, error, trace, thread = args
        print_traceback(threading.ExceptHookArgs((kind, error, from_author(trace), thread)))
        if args.exc_value is None or isinstance(args.exc_value, SystemExit):
            return
        name = getattr(args.thread, "name", "unknown")
        told = raised(args.exc_value) + enclosed(place_of(trace))
        session = _owner(args.thread)
        if session is None:
            agent.trouble = f"thread {name!r} died: {told}"
            agent.log.error("{trouble}", trouble=agent.trouble)
        else:
            session.add_fault(
                f"CRASH: thread {name!r} of operation {session.op_name!r} died: {told}"
            )
            session.degraded = True

    # Before Python 3.14 a thread does not inherit the context of the one that starts it,
    # and there is no hook for its start.
    threading.Thread.start = start_owned  # type: ignore[method-assign] # see above
    threading.excepthook = report_death
