"""Calls from one thread into another: the reactor's, or one of its pool."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

# The parts of a reactor; installing one then takes no time in a forked child.
import twisted.internet.default
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ReactorAlreadyInstalledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import blockingCallFromThread, deferToThreadPool
from twisted.python import threadable

Result = TypeVar("Result")


def make_time_monotonic() -> None:
    """Let reactors measure time by the monotonic clock, which is never set.

    Twisted takes the time of day. A clock that is corrected by an hour would stop
    everything for an hour, or make an hour's worth of limits expire at once.
    """
    # The timers of a reactor that exists already are due at a time of day.
    if "twisted.internet.reactor" not in sys.modules:
        ReactorBase.seconds = staticmethod(time.monotonic)


make_time_monotonic()


def in_reactor_context() -> bool:
    """Return whether the caller runs in the reactor's thread.

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


_in_place_of_the_reactor: Any = None


def use_reactor(reactor: IReactorTime | None) -> None:
    """Make `the_reactor` return this one, e.g. with simulated time; None for the process's own."""
    global _in_place_of_the_reactor
    _in_place_of_the_reactor = reactor


def the_reactor() -> Any:
    """Return the process's reactor, installing it at the first call.

    Every use goes through here, so that importing a module never installs one.
    """
    if _in_place_of_the_reactor is not None:
        return _in_place_of_the_reactor
    if "twisted.internet.reactor" not in sys.modules:
        # As the import of that module does, which each agent would have to find and read.
        with suppress(ReactorAlreadyInstalledError):  # by another thread, at the same time
            twisted.internet.default.install()
    from twisted.internet import reactor

    return reactor


def in_worker_thread(function: Callable[..., Any], *args: Any) -> "Deferred[Any]":
    """Call a function that may block, in a thread of the reactor's pool."""
    reactor = the_reactor()
    called: Deferred[Any] = deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)
    return called


def in_reactor(function: Callable[..., Result], *args: Any) -> Result:
    """Call a function in the reactor's thread, wherever the caller is.

    The result is its own; in a worker thread that of a Deferred, when it is there.
    """
    if in_reactor_context():
        return function(*args)
    result: Result = blockingCallFromThread(the_reactor(), function, *args)
    return result


def soon_in_reactor(function: Callable[..., Any], *args: Any) -> "Deferred[Any]":
    """Call a function in the reactor's thread, without waiting for it.

    The Deferred fires, in the reactor's thread, with its result.
    """
    if in_reactor_context():
        return maybeDeferred(function, *args)
    result: Deferred[Any] = Deferred()
    the_reactor().callFromThread(lambda: maybeDeferred(function, *args).chainDeferred(result))
    return result
