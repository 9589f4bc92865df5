"""Lines that a terminal is too narrow for, broken between words."""

import re
from typing import Final

from ocsd.cli.screen.terminal import Terminal

MOST_LINES_BELOW: Final = 3
INDENT: Final = "    "
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def shown_length(text: str) -> int:
    """Return the number of columns that a text takes; its colours take none."""
    return len(_COLOUR.sub("", text))


def broken(text: str, screen: Terminal, indent: str = INDENT) -> list[str]:
    """Return the lines of a text, on a terminal broken to its width, the further ones indented.

    Only its first words may be coloured. A word that is longer than a line, such as a path, stays
    whole.
    """
    if not screen.interactive:
        return [text]
    return [piece for line in text.split("\n") for piece in _broken(line, screen, indent)]


def _broken(line: str, screen: Terminal, indent: str) -> list[str]:
    surplus = len(line) - shown_length(line)
    if len(line) - surplus <= screen.width_columns:
        return [line]
    first, *more = _wrap(line, screen.width_columns + surplus)
    rest = " ".join(more)
    width = max(1, screen.width_columns - len(indent))
    return [first, *(indent + piece for piece in _wrap(rest, width))]


def below(text: str, screen: Terminal) -> list[str]:
    """Return a text as it stands below its row: indented, and without its middle if it is long.

    A reason begins with the error and may end with the advice.
    """
    width = max(20, screen.width_columns - len(INDENT))
    lines = _wrap(text, width)
    if len(lines) > MOST_LINES_BELOW:
        lines[MOST_LINES_BELOW - 1 :] = [_end(text, width, screen)]
    return [INDENT + line for line in lines]


def _wrap(text: str, width: int) -> list[str]:
    # Loaded only here: most lines of most commands fit.
    import textwrap

    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _end(text: str, width: int, screen: Terminal) -> str:
    """Return the last words of a text that fit after the sign for what was cut."""
    tail = text[len(text) - width + len(screen.ellipsis) :]
    return screen.ellipsis + tail[max(0, tail.find(" ")) :]
