"""A fair lock with time limits, for devices that several operations use."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class _Hold:
    """A caller that holds the lock or waits for it.

    Its gate is closed while it waits. `TimeoutLock.release` opens the gate, which passes
    the lock on without a moment in which another caller could take it.
    """

    job: str | None
    gate: threading.Lock = field(default_factory=threading.Lock)


class TimeoutLock:
    """A lock that is handed out in the order in which it was asked for.

    Callers that wait when `release_and_acquire` is called get the lock first, so an
    operation that holds it in a loop cannot starve a task.

    Parameters
    ----------
    default_timeout : float
        Time limit if a call gives none [s]: 0 does not wait, -1 waits for ever.
    """

    def __init__(self, default_timeout: float = 0) -> None:
        self._default_timeout = default_timeout
        self._guard = threading.Lock()
        self._holder: _Hold | None = None
        self._queue: deque[_Hold] = deque()

    @property
    def job(self) -> str | None:
        """Name that the holder gave itself; None while the lock is free."""
        holder = self._holder
        return holder.job if holder else None

    def acquire(self, timeout: float | None = None, job: str | None = None) -> bool:
        """Take the lock.

        Parameters
        ----------
        timeout : float, optional
            How long to wait [s]: 0 does not wait, -1 waits for ever.
        job : str, optional
            Name of the caller.

        Returns
        -------
        bool
            Whether the caller holds the lock now.
        """
        return self._acquire(timeout, _Hold(job))

    def release(self) -> None:
        """Give the lock to the caller that has waited longest, or free it.

        Raises
        ------
        RuntimeError
            If the lock is free.
        """
        with self._guard:
            if self._holder is None:
                raise RuntimeError("the lock is released, but is not held")
            self._pass_on()

    def release_and_acquire(self, timeout: float | None = None) -> bool:
        """Let all waiting callers have the lock, then take it again under the same job.

        Parameters
        ----------
        timeout : float, optional
            How long to wait [s]; as for `acquire`.

        Returns
        -------
        bool
            Whether the caller holds the lock again.

        Raises
        ------
        RuntimeError
            If the lock is free.
        """
        holder = self._holder
        self.release()
        return self._acquire(timeout, holder or _Hold(None))

    @contextmanager
    def acquire_timeout(
        self, timeout: float | None = None, job: str | None = "unnamed"
    ) -> Iterator[bool]:
        """Hold the lock within a ``with`` block, and yield whether it is held.

        The end of the block releases the lock only if the block still holds it: after a
        `release_and_acquire` in vain, another caller does.
        """
        hold = _Hold(job)
        held = self._acquire(timeout, hold)
        try:
            yield held
        finally:
            with self._guard:
                if self._holder is hold:
                    self._pass_on()

    def _acquire(self, timeout: float | None, hold: _Hold) -> bool:
        if timeout is None:
            timeout = self._default_timeout
        limit_s = min(timeout or 0, threading.TIMEOUT_MAX)
        with self._guard:
            if self._holder is None:
                self._holder = hold
                return True
            if limit_s == 0:
                return False
            hold.gate.acquire()
            self._queue.append(hold)
        hold.gate.acquire(timeout=limit_s if limit_s > 0 else -1)
        with self._guard:
            # It may have been passed on just as the time was over.
            held = self._holder is hold
            if not held:
                self._queue.remove(hold)
            elif hold.gate.locked():
                hold.gate.release()  # for a later wait under the same hold
        return held

    def _pass_on(self) -> None:
        self._holder = None
        if self._queue:
            self._holder = self._queue.popleft()
            self._holder.gate.release()
