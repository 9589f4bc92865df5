"""Work that takes long, in threads beside the reactor: so many at a time, so many that wait."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from ocsd.web.refusals import BusyError


class Work:
    """A few threads for one kind of work.

    Parameters
    ----------
    name : str
        The work, for the refusal.
    threads, waiting : int
        Number of calls at the same time, and of those that may wait for a thread.
    """

    def __init__(self, reactor: Any, name: str, threads: int, waiting: int) -> None:
        self._reactor = reactor
        self._name = name
        self._most = threads + waiting
        self._calls = 0
        self._pool = ThreadPool(0, threads, name)
        self._started = False

    def do(self, function: Callable[..., Any], *args: Any, **options: Any) -> "Deferred[Any]":
        """Call a function in a thread; the Deferred fires with its result.

        Raises
        ------
        BusyError
            If too many calls wait already.
        """
        if self._calls >= self._most:
            raise BusyError(f"{self._calls} requests for {self._name} wait already; try again soon")
        if not self._started:
            self._started = True
            self._pool.start()
        self._calls += 1
        # The caller may give up: a call that waits is then left out; one that has begun goes on,
        # and counts until it is done.
        answer: Deferred[Any] = Deferred()

        def call() -> Any:
            if answer.called:
                return None
            return function(*args, **options)

        called: Deferred[Any] = deferToThreadPool(self._reactor, self._pool, call)

        def done(result: Any) -> None:
            self._calls -= 1
            if not answer.called:
                answer.callback(result)

        called.addBoth(done)
        return answer
