"""A small table: columns as wide as what stands in them, whole ids always.

rich would cut ids to 80 columns where the output is piped, and costs as much
time as the rest of `ocsd status`.
"""

from collections.abc import Container, Sequence
from typing import NamedTuple

from ocsd.cli.screen.terminal import Terminal

_GAP = "  "
_LEAST_LAST_COLUMNS = 12
"""Width below which the last column is better wrapped by the terminal than cut."""


class ScreenColumn(NamedTuple):
    """One column: its title and on which side its text stands."""

    title: str
    right: bool


def columns(*titles: str, right: Container[str] = ()) -> tuple[ScreenColumn, ...]:
    """Return columns; the text of those whose titles are in `right` stands on the right."""
    return tuple(ScreenColumn(title, title in right) for title in titles)


class Cell(NamedTuple):
    """One cell: its text, and the state or health word that gives its colour."""

    text: str
    word: str = ""


def table_lines(
    columns: Sequence[ScreenColumn], rows: Sequence[Sequence[Cell]], terminal: Terminal
) -> list[str]:
    """Return the lines of a table: the titles, then a line for each row.

    Only the last column may be cut, and only on a terminal that is too narrow for it.
    """
    titles = [Cell(column.title) for column in columns]
    widths = [
        max(len(cells[number].text) for cells in (titles, *rows)) for number in range(len(columns))
    ]
    room = terminal.width_columns - sum(widths[:-1]) - len(_GAP) * (len(columns) - 1)
    if not terminal.interactive or room < _LEAST_LAST_COLUMNS:
        room = widths[-1]
    lines = [terminal.bold(_line(columns, widths, titles, terminal))]
    for row in rows:
        last = Cell(_cut(row[-1].text, room, terminal), row[-1].word)
        lines.append(_line(columns, widths, (*row[:-1], last), terminal))
    return lines


def _line(
    columns: Sequence[ScreenColumn],
    widths: Sequence[int],
    cells: Sequence[Cell],
    terminal: Terminal,
) -> str:
    parts = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        padding = " " * (width - len(cell.text))
        text = terminal.styled(cell.text, cell.word)
        parts.append(padding + text if column.right else text + padding)
    return _GAP.join(parts).rstrip()


def _cut(text: str, width: int, terminal: Terminal) -> str:
    if len(text) <= width:
        return text
    return text[: width - len(terminal.ellipsis)] + terminal.ellipsis
