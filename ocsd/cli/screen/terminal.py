"""What the place that we print to can show: colours, symbols, width."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

import click

# Each symbol has another shape, so nothing depends on colour alone, and an
# ASCII form for terminals that are not UTF-8.
_SYMBOLS = {
    "up": ("●", "+"),
    "starting": ("◐", "~"),
    "stopping": ("◐", "~"),
    "down": ("○", "-"),
    "backoff": ("↻", "!"),
    "failed": ("✗", "X"),
}
_UNKNOWN_SYMBOL = ("?", "?")
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


@dataclass(frozen=True, slots=True)
class Terminal:
    """What an output stream can show.

    Parameters
    ----------
    interactive : bool
        Whether a person looks at it; text is cut to the width only then.
    unicode : bool
        Whether it takes characters beyond ASCII.
    colour : bool
        Whether it takes ANSI colours.
    width_columns : int
        Its width; without meaning where nobody looks.
    """

    interactive: bool
    unicode: bool
    colour: bool
    width_columns: int

    def styled(self, text: str, word: str) -> str:
        """Return `text` in the colour that belongs to a state, health or verdict `word`."""
        colour = _COLOURS.get(word)
        return click.style(text, fg=colour) if self.colour and colour else text

    def bold(self, text: str) -> str:
        """Return `text` in bold type."""
        return click.style(text, bold=True) if self.colour else text

    def symbol(self, state: str) -> str:
        """Return the symbol of a state."""
        return _SYMBOLS.get(state, _UNKNOWN_SYMBOL)[0 if self.unicode else 1]

    @property
    def dot(self) -> str:
        """What separates the parts of a line."""
        return "·" if self.unicode else "-"

    @property
    def ellipsis(self) -> str:
        """What stands for text that was cut."""
        return "…" if self.unicode else "..."


def of(stream: TextIO, environment: Mapping[str, str]) -> Terminal:
    """Return what `stream` can show.

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
    """Return `text` on one line, without characters that could steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def printable(text: str) -> str:
    """Return `text` with its lines kept and characters that could steer a terminal replaced."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)
