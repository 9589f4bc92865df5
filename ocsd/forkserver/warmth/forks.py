"""Forks processes that wait until they may begin."""

import contextlib
import os
import signal
import traceback
from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn

_HELD_OVER_FORK: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}


class Forked(NamedTuple):
    """Processes that wait until they may begin."""

    pids: tuple[int, ...]
    gate: int
    word: bytes
    """The bytes that each of them reads from the gate when it may begin."""

    @property
    def pid(self) -> int:
        """The first of them."""
        return self.pids[0]

    def begin(self) -> None:
        """Let them begin."""
        with contextlib.suppress(BrokenPipeError):  # they were killed already
            os.write(self.gate, self.word * len(self.pids))
        os.close(self.gate)


def fork(*becomes: Callable[[int], NoReturn], word: bytes = b".") -> Forked:
    """Fork processes, which are to read from a gate before they do anything.

    They must not live on if this process dies before it has recorded them: then the gate is
    closed. A page that this process writes to after a fork is copied, and the old one left to
    the child. So it does as little as possible between two forks.

    Parameters
    ----------
    *becomes : callable
        Called with the descriptor of the gate, each in a child of its own. Signals that the fork
        server handles are held back until it has handlers of its own.
    word : bytes
        What each child gets when it may begin.

    Returns
    -------
    Forked
        As many as there was room for, in this order.

    Raises
    ------
    OSError
        If there is no room for another process.
    """
    reading, writing = os.pipe()
    pids: list[int] = []
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_OVER_FORK)
    try:
        for become in becomes:
            pid = os.fork()
            if pid == 0:
                _begin(become, reading, writing)
            pids.append(pid)
    except OSError:
        if not pids:
            os.close(writing)
            raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        os.close(reading)
    return Forked(tuple(pids), writing, word)


def _begin(become: Callable[[int], NoReturn], reading: int, writing: int) -> NoReturn:
    try:
        os.close(writing)
        become(reading)
    except BaseException:  # noqa: BLE001 - the fork server's own code must not go on here
        traceback.print_exc()
    finally:
        os._exit(1)
