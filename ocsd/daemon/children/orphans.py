"""Processes whose parent, the fork server, has died."""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from ocsd.forkserver.protocol import FOR_THE_LEADER


@implementer(IReadDescriptor)
@dataclass(eq=False)
class Orphan:
    """Watches a process that is not the daemon's child, through a pidfd (pidfd_open(2)).

    The kernel reports its end, but its exit code went to its parent.

    Raises
    ------
    ProcessLookupError
        If it has ended already.
    """

    reactor: Any
    """Watches descriptors (IReactorFDSet)."""
    pid: int
    on_end: Callable[[], None]
    """Called once it has ended."""

    def __post_init__(self) -> None:
        self._descriptor = os.pidfd_open(self.pid)
        self.reactor.addReader(self)

    def kill(self, number: int) -> None:
        """Send a signal to the process and its group."""
        # A process that was stopped (SIGSTOP) could not even end.
        for sent in (number, signal.SIGCONT):
            with contextlib.suppress(ProcessLookupError):
                # Fails if the process is gone, even if another one has its number by now.
                signal.pidfd_send_signal(self._descriptor, sent)
                if number not in FOR_THE_LEADER:
                    os.killpg(self.pid, sent)

    def discard(self) -> None:
        """Stop watching it."""
        self.reactor.removeReader(self)
        os.close(self._descriptor)

    def doRead(self) -> None:
        """Report that the process ended."""
        self.discard()
        self.on_end()

    def fileno(self) -> int:
        """Return the descriptor to watch."""
        return self._descriptor

    def connectionLost(self, reason: object) -> None:
        """Nothing to lose: a pidfd has no connection."""

    def logPrefix(self) -> str:
        """Return the name under which the reactor logs."""
        return "orphan"
