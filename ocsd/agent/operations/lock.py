"""A fair lock with time limits, for devices that several operations use."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class _Hold:
    """One who holds the lock or waits for it.

    The gate is closed while he waits; `TimeoutLock.release` opens it, which passes
    the lock on without a moment in which anyone else could take it.
    """

    job: str | None
    gate: threading.Lock = field(default_factory=threading.Lock)


class TimeoutLock:
    """A lock that is handed out in the order in which it was asked for.

    Whoever waits already when `release_and_acquire` is called gets the lock
    first, so a process that holds it in a loop cannot starve a task.

    Parameters
    ----------
    default_timeout : float
        Time limit where none is given [s]: 0 does not wait, -1 waits for ever.

    """

    def __init__(self, default_timeout: float = 0) -> None:
        self._default_timeout = default_timeout
        self._guard = threading.Lock()
        self._holder: _Hold | None = None
        self._queue: deque[_Hold] = deque()

    @property
    def job(self) -> str | None:
        """What the holder calls itself; None while nobody holds the lock."""
        holder = self._holder
        return holder.job if holder else None

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
        return self._acquire(timeout, _Hold(job))

    def release(self) -> None:
        """Give the lock to whoever has waited longest, or back.

        Raises
        ------
        RuntimeError
            If nobody holds it.
        """
        with self._guard:
            if self._holder is None:
                raise RuntimeError("the lock is released, but nobody holds it")
            self._pass_on()

    def release_and_acquire(self, timeout: float | None = None) -> bool:
        """Let all who wait already have the lock, then take it again under the same job.

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
            If nobody holds it.
        """
        holder = self._holder
        self.release()
        return self._acquire(timeout, holder or _Hold(None))

    @contextmanager
    def acquire_timeout(
        self, timeout: float | None = None, job: str | None = "unnamed"
    ) -> Iterator[bool]:
        """Hold the lock within a ``with`` block; it yields whether it is held.

        At the end of the block the lock is given back only if it is still that of
        the block: after a `release_and_acquire` in vain it is someone else's.
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
        limit_s = (self._default_timeout if timeout is None else timeout) or 0
        with self._guard:
            if self._holder is None:
                self._holder = hold
                return True
            if limit_s == 0:
                return False
            hold.gate.acquire()
            self._queue.append(hold)
        longest_s = -1 if limit_s < 0 else min(limit_s, threading.TIMEOUT_MAX)
        hold.gate.acquire(timeout=longest_s)
        with self._guard:
            # It may have been passed on just as the time was over.
            held = self._holder is hold
            if not held:
                self._queue.remove(hold)
            elif hold.gate.locked():
                hold.gate.release()  # for a later wait under the same hold
        return held

    def _pass_on(self) -> None:
        self._holder = self._queue.popleft() if self._queue else None
        if self._holder is not None:
            self._holder.gate.release()
