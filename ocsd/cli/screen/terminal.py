"""The abilities of the terminal that a command prints to: colours, symbols, width."""

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from ocsd.text.characters import FAR_TERMINAL, takes_unicode

# Each symbol has a shape of its own, because colours are not for all eyes, and an ASCII form.
_SYMBOLS = {
    "up": ("●", "+"),
    "starting": ("◐", "~"),
    "stopping": ("◐", "~"),
    "down": ("○", "-"),
    "backoff": ("↻", "!"),
    "failed": ("✗", "X"),
}
_COLOURS = {
    "up": "green",
    "ok": "green",
    "external": "green",
    "starting": "cyan",
    "stopping": "cyan",
    "degraded": "yellow",
    "unstable": "yellow",
    "backoff": "yellow",
    "hung": "red",
    "failed": "red",
    "attention": "red",
}

CLEAR = "\x1b[2J"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
"""Controls of a terminal: clear all, go to the first place, clear to the end of the line, and all
below it (ECMA-48).
"""

LAYOUT = "\n\t"
"""Control characters that are kept in a text of several lines."""


class Terminal(NamedTuple):
    """The abilities of an output stream."""

    interactive: bool
    """Whether it is a terminal; text is cut to the width only then."""
    unicode: bool
    """Whether it takes characters beyond ASCII."""
    colour: bool
    """Whether it takes ANSI colours."""
    width_columns: int
    """The width of the terminal."""
    height_lines: int = 24
    """Its height."""

    def styled(self, text: str, word: str) -> str:
        """Return `text` in the colour that belongs to a state, health or verdict `word`."""
        if not self.colour or word not in _COLOURS:
            return text
        return click.style(text, fg=_COLOURS[word])

    def bold(self, text: str) -> str:
        """Return `text` in bold type."""
        if not self.colour:
            return text
        return click.style(text, bold=True)

    def marked(self, text: str) -> str:
        """Return a line that stands out from the others also without colours."""
        return click.style(click.unstyle(text).ljust(self.width_columns), reverse=True)

    def written(self, text: str) -> str:
        """Return `text` in the characters that the terminal takes."""
        if self.unicode:
            return text
        return text.encode("ascii", "backslashreplace").decode()

    def symbol(self, state: str) -> str:
        """Return the symbol of a state."""
        return self._either(*_SYMBOLS.get(state, "??"))

    @property
    def dot(self) -> str:
        """The sign between the parts of a line."""
        return self._either("·", "-")

    @property
    def ellipsis(self) -> str:
        """The sign for text that was cut."""
        return self._either("…", "...")

    def _either(self, sign: str, ascii_sign: str) -> str:
        return sign if self.unicode else ascii_sign


def of_output() -> Terminal:
    """Return the abilities of the standard output.

    A command for another host (`ocsd.daemon.site.runs`) prints to the terminal there.
    ``TERM=dumb`` and a ``NO_COLOR`` that is not empty (no-color.org) switch colours off.
    """
    interactive = sys.stdout.isatty() or bool(os.environ.get(FAR_TERMINAL))
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    width_columns, height_lines = size()
    return Terminal(
        interactive=interactive,
        unicode=takes_unicode(sys.stdout.encoding, os.environ),
        colour=interactive and not plain,
        width_columns=width_columns,
        height_lines=height_lines,
    )


def in_place(lines: Sequence[str], screen: Terminal) -> str:
    """Return what shows lines at the top of a terminal, and nothing else on it."""
    shown = lines[: screen.height_lines - 1]
    return _HOME + "".join(f"{line}{_END_OF_LINE}\n" for line in shown) + _BELOW


def size() -> tuple[int, int]:
    """Return width and height of the terminal, as `shutil.get_terminal_size` does.

    shutil loads all of Python's compression, which takes longer than a short command may.
    """
    try:
        width_columns, height_lines = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr]  # caught below
    except (AttributeError, ValueError, OSError):
        width_columns = height_lines = 0
    # A pseudo-terminal of a program may not have been told its size.
    width_columns, height_lines = width_columns or 80, height_lines or 24
    return _given("COLUMNS", width_columns), _given("LINES", height_lines)


def _given(variable: str, default: int) -> int:
    """Return the number in an environment variable, if it has one."""
    text = os.environ.get(variable, "")
    if text.isdecimal() and int(text) > 0:
        return int(text)
    return default
