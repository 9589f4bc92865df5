"""Which thread is this, and how to reach the reactor's."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

# What a reactor is made of; installing one then takes no time in a forked child.
import twisted.internet.default  # noqa: F401
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import blockingCallFromThread, deferToThreadPool
from twisted.python import threadable


def make_time_monotonic() -> None:
    """Let reactors measure time by the clock that nobody can set.

    Twisted takes the time of day. A clock that is corrected by an hour would stop
    everything for an hour, or make an hour's worth of limits expire at once.
    """
    # What a reactor that exists has been asked for is due at a time of day.
    if "twisted.internet.reactor" not in sys.modules:
        ReactorBase.seconds = staticmethod(time.monotonic)


make_time_monotonic()


def in_reactor_context() -> bool:
    """Tell whether the caller runs in the reactor's thread.

    Returns
    -------
    bool
        True in the thread that runs the reactor; before the reactor runs, True
        in the main thread.
    """
    io_thread: Any = threadable.ioThread  # None until a reactor runs
    if io_thread is None:
        return threading.current_thread() is threading.main_thread()
    return bool(threading.get_ident() == io_thread)


class _Used:
    reactor: Any = None


def use_reactor(reactor: Any) -> None:
    """Make `the_reactor` return another reactor, e.g. one with simulated time.

    Parameters
    ----------
    reactor : IReactorTime or None
        The reactor; None for the process's own.
    """
    _Used.reactor = reactor


def the_reactor() -> Any:
    """Return the process's reactor, installing it at the first call.

    Every use goes through here, so that importing a module never installs one.
    """
    if _Used.reactor is not None:
        return _Used.reactor
    from twisted.internet import reactor

    return reactor


def in_worker_thread(function: Callable[..., Any], *args: Any) -> "Deferred[Any]":
    """Call a function that may block, in a thread of the reactor's pool."""
    reactor = the_reactor()
    called: Deferred[Any] = deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)
    return called


def in_reactor(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in the reactor's thread, wherever the caller is.

    Returns
    -------
    object
        What it returned; in a worker thread the result of a Deferred, after
        waiting for it.
    """
    if in_reactor_context():
        return function(*args)
    return blockingCallFromThread(the_reactor(), function, *args)


def soon_in_reactor(function: Callable[..., Any], *args: Any) -> "Deferred[Any]":
    """Call a function in the reactor's thread and do not wait for it.

    Returns
    -------
    Deferred
        Fires, in the reactor's thread, with its result.
    """
    if in_reactor_context():
        return maybeDeferred(function, *args)
    result: Deferred[Any] = Deferred()
    the_reactor().callFromThread(lambda: maybeDeferred(function, *args).chainDeferred(result))
    return result
