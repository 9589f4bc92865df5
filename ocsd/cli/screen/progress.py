"""The time that passes, shown to a person who waits."""

import sys
import threading
import time
from types import TracebackType

from ocsd.cli.screen import units

# Up to here nobody wonders whether anything happens.
_QUIET_S = 2.0
_STEP_S = 0.5
_ERASE_LINE = "\r\x1b[K"


class WaitIndicator:
    """Shows on standard error what is waited for and for how long, if that is a terminal.

    Parameters
    ----------
    text : str
        What is waited for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> "WaitIndicator":
        if sys.stderr.isatty():
            self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _show(self) -> None:
        begun_s = time.monotonic()
        if self._over.wait(_QUIET_S):
            return
        while True:
            waited = units.duration(time.monotonic() - begun_s)
            print(f"{_ERASE_LINE}{self._text}: {waited}", end="", file=sys.stderr, flush=True)
            if self._over.wait(_STEP_S):
                print(_ERASE_LINE, end="", file=sys.stderr, flush=True)
                return
