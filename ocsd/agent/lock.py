"""A fair lock with time limits, for devices that several operations use."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class TimeoutLock:
    """A lock that is handed out in a fair way.

    Whoever waits already when `release_and_acquire` is called gets the lock
    first, so a process that holds it in a loop cannot starve a task.

    Parameters
    ----------
    default_timeout : float
        Time limit where none is given [s]: 0 does not wait, -1 waits for ever.

    Attributes
    ----------
    job : str or None
        What the holder calls itself.
    """

    def __init__(self, default_timeout: float = 0) -> None:
        self.job: str | None = None
        self._default_timeout = default_timeout
        self._held = threading.Lock()
        # Held by the one who is next; he who re-acquires queues behind him.
        self._next = threading.Lock()

    def acquire(self, timeout: float | None = None, job: str | None = None) -> bool:
        """Take the lock.

        Parameters
        ----------
        timeout : float, optional
            How long to wait [s]: 0 does not wait, -1 waits for ever.
        job : str, optional
            What the caller calls himself.

        Returns
        -------
        bool
            Whether the caller holds the lock now.
        """
        limit_s = (self._default_timeout if timeout is None else timeout) or 0
        begun_s = time.monotonic()
        if not _acquire(self._next, limit_s):
            return False
        if limit_s > 0:
            limit_s = max(0.0, limit_s - (time.monotonic() - begun_s))
        try:
            held = _acquire(self._held, limit_s)
        finally:
            self._next.release()
        if held:
            self.job = job
        return held

    def release(self) -> None:
        """Give the lock back.

        Raises
        ------
        RuntimeError
            If nobody holds it.
        """
        self.job = None
        self._held.release()

    def release_and_acquire(self, timeout: float | None = None) -> bool:
        """Let one who waits have the lock, then take it again under the same job.

        Returns
        -------
        bool
            Whether the caller holds the lock again.
        """
        job = self.job
        self.release()
        return self.acquire(timeout=timeout, job=job)

    @contextmanager
    def acquire_timeout(
        self, timeout: float | None = None, job: str | None = "unnamed"
    ) -> Iterator[bool]:
        """Hold the lock within a ``with`` block; it yields whether it is held."""
        held = self.acquire(timeout=timeout, job=job)
        try:
            yield held
        finally:
            if held:
                self.release()


def _acquire(lock: threading.Lock, limit_s: float) -> bool:
    if limit_s == 0:
        return lock.acquire(blocking=False)
    return lock.acquire(timeout=-1 if limit_s < 0 else limit_s)
