"""DeliveryAttempts to deliver messages: each is a small process, which outlives this one.

The lock on the file of an attempt is held by its process from before that begins to its end.
Therefore a successor of this process knows of every attempt whether it runs, how it ended, or
that it never began to send: a message is neither forgotten nor sent twice.
"""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from twisted.logger import Logger

BEGUN: Final = "begun"
RESULT: Final = "result"
"""Suffixes of the files that the process of an attempt writes beside its own."""


class AttemptResult(NamedTuple):
    """The end of an attempt."""

    reason: str = ""
    """Why it failed; empty if the message was taken."""
    refused: bool = False
    """Whether the receiver has refused the message as such: a wrong token, an unknown address."""
    wait_s: float = 0.0
    """Time for which the receiver wants to be left alone [s]."""
    perhaps: bool = False
    """Whether the message may have been taken all the same."""
    left: Sequence[str] = ()
    """The addresses that have not got it, if others have."""


class DeliveryAttempts:
    """Starts attempts and finds out how they end.

    Parameters
    ----------
    folder : Path
        Place of their files. What is in it does not have to survive the machine.
    """

    log = Logger()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, name: str, job: Mapping[str, Any]) -> None:
        """Begin an attempt of this name, with what its process has to know.

        Raises
        ------
        OSError
            If it cannot be started.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clean(name)
        path = self._path(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_TRUNC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.write(descriptor, json.dumps(job).encode())
            # The child inherits the open file, and with it the lock.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", "ocsd.evaluator.attempt", str(path)],
                stdin=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                start_new_session=True,
                cwd="/",
            )
        except OSError:
            self._clean(name)
            raise
        finally:
            os.close(descriptor)

    def runs(self, name: str) -> bool:
        """Return whether an attempt is under way, also one that an earlier process began."""
        child = self._children.get(name)
        if child is not None:
            if child.poll() is None:
                return True
            del self._children[name]
        try:
            descriptor = os.open(self._path(name), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def end(self, name: str) -> AttemptResult:
        """Return how an attempt that does not run any more has ended."""
        with suppress(OSError, ValueError, TypeError):
            return AttemptResult(**json.loads(self._path(name, RESULT).read_bytes()))
        if self._path(name, BEGUN).exists():
            return AttemptResult("its process was ended while it was sending", perhaps=True)
        if not self._path(name).exists():
            return AttemptResult("the machine went down before its end was known", perhaps=True)
        return AttemptResult("its process was ended before it had begun to send")

    def forget(self, name: str) -> None:
        """Remove the files of an attempt whose end is written down."""
        self._clean(name)

    def _clean(self, name: str) -> None:
        for suffix in ("", BEGUN, RESULT):
            with suppress(OSError):
                self._path(name, suffix).unlink()

    def _path(self, name: str, suffix: str = "") -> Path:
        return self._folder / ".".join(filter(None, (name, suffix)))
