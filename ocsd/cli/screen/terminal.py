"""The abilities of the terminal that a command prints to: colours, symbols, width."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

import click

from ocsd.text import printable as printables

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

LAYOUT = "\n\t"
"""Control characters that are kept in a text of several lines."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The abilities of an output stream.

    Parameters
    ----------
    interactive : bool
        Whether it is a terminal; text is cut to the width only then.
    unicode : bool
        Whether it takes characters beyond ASCII.
    colour : bool
        Whether it takes ANSI colours.
    width_columns : int
        The width of the terminal.
    """

    interactive: bool
    unicode: bool
    colour: bool
    width_columns: int

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


def of(stream: TextIO, environment: Mapping[str, str]) -> Terminal:
    """Return the abilities of `stream`.

    Parameters
    ----------
    stream : TextIO
        Usually ``sys.stdout``.
    environment : Mapping[str, str]
        Usually ``os.environ``; a ``NO_COLOR`` that is not empty (no-color.org)
        and ``TERM=dumb`` switch colours off.
    """
    interactive = stream.isatty()
    encoding = (stream.encoding or "ascii").lower().replace("-", "").replace("_", "")
    plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
    return Terminal(
        interactive=interactive,
        unicode=encoding.startswith("utf"),
        colour=interactive and not plain,
        width_columns=shutil.get_terminal_size().columns,
    )


def one_line(text: str) -> str:
    """Return `text` on one line."""
    return printables.one_line(text)


def printable(text: str) -> str:
    """Return `text` with its lines kept."""
    return printables.printable(text, keep=LAYOUT)
