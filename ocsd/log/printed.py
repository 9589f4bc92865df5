"""Text that an agent prints: lines of its log, also while a line is unfinished.

What was flushed without a newline is a line of the log at once, because it may be the last words
before a crash in a vendor's library. A carriage return ends a line as well, as in progress bars,
but these must not flood the log: after a burst only one unfinished line a second is written,
the latest one.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from ocsd.reactor.lookout import LOOKOUT

BURST: Final = 10
"""Unfinished lines that are written at once, before only one a second is."""


@dataclass(slots=True)
class Allowance:
    """The number of unfinished lines that may be written now; one a second is added."""

    left: float = BURST
    at_s: float = 0.0
    """When this was so [s, monotonic]."""

    def take(self, now_s: float) -> bool:
        """Take one; return whether there was one."""
        self.left = min(float(BURST), self.left + max(0.0, now_s - self.at_s))
        self.at_s = now_s
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Unfinished:
    """The end of what was printed, after the last newline.

    Parameters
    ----------
    now_s : float
        The time of the monotonic clock [s].
    """

    def __init__(self, now_s: float) -> None:
        self._text = ""
        # Whether a part of the present line was written already, so its end may be empty.
        self._begun = False
        self._flushed = False
        self._allowance = Allowance(at_s=now_s)

    def added(self, text: str, now_s: float) -> list[str]:
        """Return the lines to write now that `text` was printed."""
        lines = []
        *whole, last = (self._text + text).split("\n")
        for line in whole:
            lines += self._updates(line.rstrip("\r"), now_s)
            if self._text or not self._begun:
                lines.append(self._text)
            self._begun = False
        lines += self._updates(last, now_s)
        self._flushed = self._flushed and bool(self._text)
        return lines

    @property
    def waits(self) -> bool:
        """Whether something was flushed that was not written yet."""
        return self._flushed and bool(self._text.strip("\r"))

    def flushed(self, now_s: float) -> list[str]:
        """Return the lines to write now that all was flushed; what is left waits for `due`."""
        self._flushed = True
        return self.due(now_s)

    def due(self, now_s: float) -> list[str]:
        """Return the lines that were flushed and may be written by now; call it twice a second."""
        if not self.waits or not self._allowance.take(now_s):
            return []
        return self.rest()

    def rest(self) -> list[str]:
        """Return what is left, because the process ends."""
        text, self._text = self._text.strip("\r"), ""
        self._begun = self._begun or bool(text)
        return [text] * bool(text)

    def _updates(self, line: str, now_s: float) -> list[str]:
        """Keep the latest update of a line with carriage returns; return those to write now."""
        # A final one may be the first half of a line's end, so it stays until more is printed.
        body = line.rstrip("\r")
        *updates, last = body.split("\r")
        lines = [each for each in updates if each and self._allowance.take(now_s)]
        self._begun = self._begun or bool(lines)
        self._text = last + line[len(body) :]
        return lines


class PrintedText:
    """Takes the place of `sys.stdout` or `sys.stderr` in front of a stream that writes lines.

    Parameters
    ----------
    lines : file
        Writes lines into the log.
    clock : callable
        Returns the monotonic time [s].
    descriptor : int
        The file descriptor of the stream whose place this takes.
    """

    def __init__(
        self, lines: Any, clock: Callable[[], float] = time.monotonic, descriptor: int = -1
    ) -> None:
        self._lines = lines
        self._descriptor = descriptor
        self._clock = clock
        self._unfinished = Unfinished(clock())
        self._renew_lock()
        # A thread that is writing now does not exist in a forked child.
        os.register_at_fork(after_in_child=self._renew)

    def write(self, text: str | bytes) -> int:
        """Write text; lines that are complete are in the log when this returns.

        Raises
        ------
        ValueError
            If it was closed.
        """
        if self._lines.closed:
            raise ValueError("I/O operation on closed file")
        length = len(text)
        if isinstance(text, bytes):
            text = text.decode(self._lines.encoding, "backslashreplace")
        with self._lock:
            self._log(self._unfinished.added(text, self._clock()))
        return length

    @property
    def buffer(self) -> "PrintedText":
        """The stream that takes bytes, which is this one."""
        return self

    def fileno(self) -> int:
        """Return the descriptor, which subprocesses and C libraries write to."""
        return self._descriptor

    def reconfigure(self, **_options: Any) -> None:
        """Change nothing: every line is in the log at once."""

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        """Write each text."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write the unfinished line, now or within about a second."""
        with self._lock:
            self._log(self._unfinished.flushed(self._clock()))
            if self._unfinished.waits:
                LOOKOUT.hurry()

    def write_due(self) -> None:
        """Write what waits since a flush; call it twice a second."""
        with self._lock:
            self._log(self._unfinished.due(self._clock()))
            if self._unfinished.waits:
                LOOKOUT.hurry()

    def finish(self) -> None:
        """Write all that is left, because the process ends."""
        with self._lock:
            self._log(self._unfinished.rest())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lines, name)

    def _log(self, lines: list[str]) -> None:
        for line in lines:
            self._lines.write(f"{line}\n")

    def _renew(self) -> None:
        self._renew_lock()
        self._unfinished = Unfinished(self._clock())

    def _renew_lock(self) -> None:
        # Reentrant, because an observer of the log may print.
        self._lock = threading.RLock()


def finish(*streams: Any) -> None:
    """Write what was printed to these streams and is not in the log yet."""
    for stream in streams:
        if isinstance(stream, PrintedText):
            stream.finish()
