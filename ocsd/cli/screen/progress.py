"""The progress of work and the time that passes, shown on a terminal to a person who waits."""

import sys
import threading
import time
from typing import Any, Self

import click

from ocsd.text import units

_QUIET_S = 2.0
"""Time for which nothing is shown, because short work needs no progress [s]."""

_REDRAW_PERIOD_S = 0.5
_ERASE_LINE = "\r\x1b[K"
_ERASE_LAST_LINE = "\x1b[A\x1b[2K"
"""Controls of a terminal: go up, clear the line (ECMA-48)."""


class Bar:
    """A progress bar on standard error, if that is a terminal, shown after `quiet_s` seconds.

    It takes the width of the terminal, and leaves nothing on it.
    """

    def __init__(self, label: str, quiet_s: float = _QUIET_S) -> None:
        self._label = label
        self._show_at_s = time.monotonic() + quiet_s
        self._bar: Any = None
        self._shown = 0

    def __call__(self, done: int, work: int) -> None:
        """Show that `done` of `work` is done."""
        if self._bar is None:
            if time.monotonic() < self._show_at_s or not sys.stderr.isatty():
                return
            self._bar = click.progressbar(length=work, label=self._label, width=0, file=sys.stderr)
            self._bar.__enter__()
        self._bar.update(done - self._shown)
        self._shown = done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*raised)
            print(_ERASE_LAST_LINE, end="", file=sys.stderr, flush=True)


class WaitIndicator:
    """Shows on standard error, if that is a terminal, how long a command has waited, and why."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
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
            if self._over.wait(_REDRAW_PERIOD_S):
                print(_ERASE_LINE, end="", file=sys.stderr, flush=True)
                return
