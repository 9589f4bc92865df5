"""Batches on their way to a database: several at once, delivered in order as far as we count."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait

from ocsd.export.databases.destination import Delivered


class Flights:
    """Sends batches in the threads of an executor, and takes in their results in order.

    Parameters
    ----------
    executor : Executor
        Its threads send.
    most : int
        Batches on their way at most.
    landed : callable
        Is given the result of each batch, in order, in the thread of the caller.
    """

    def __init__(self, executor: Executor, most: int, landed: Callable[[Delivered], None]) -> None:
        self._executor, self._most, self._landed = executor, most, landed
        self._waiting: deque[Future[Delivered] | Callable[[], None]] = deque()
        self._in_flight = 0

    def send(self, deliver: Callable[[], Delivered]) -> None:
        """Send a batch; first wait for the oldest one if too many are on their way.

        Raises
        ------
        DatabaseAwayError
            If an older batch could not be delivered.
        """
        while self._in_flight >= self._most:
            self._land_first()
        self._waiting.append(self._executor.submit(deliver))
        self._in_flight += 1

    def then(self, act: Callable[[], None]) -> None:
        """Do something when all that has been sent until now is delivered."""
        self._waiting.append(act)
        self._act()

    def land(self) -> None:
        """Wait until all is delivered.

        Raises
        ------
        DatabaseAwayError
            If a batch could not be delivered.
        """
        while self._in_flight:
            self._land_first()

    def abandon(self) -> None:
        """Forget what is on its way; wait until no thread works on it."""
        wait([each for each in self._waiting if isinstance(each, Future)])
        self._waiting.clear()
        self._in_flight = 0

    def close(self) -> None:
        """End the threads."""
        self.abandon()
        self._executor.shutdown(wait=False)

    def _land_first(self) -> None:
        first = self._waiting[0]
        if isinstance(first, Future):
            self._landed(first.result())
            self._waiting.popleft()
            self._in_flight -= 1
        self._act()

    def _act(self) -> None:
        """Do what comes before the next batch."""
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, Future):
                break
            self._waiting.popleft()
            first()
