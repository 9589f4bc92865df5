"""A small table: columns as wide as what stands in them, whole ids always.

rich would cut ids to 80 columns where the output is piped, and costs as much
time as the rest of `ocsd status`.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import chain

from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.screen.wrap import below

_GAP = "  "


@dataclass(frozen=True, slots=True)
class ScreenColumn:
    """One column: its title and on which side its text stands."""

    title: str
    right: bool


def columns(*titles: str, right: Container[str] = ()) -> tuple[ScreenColumn, ...]:
    """Return columns; the text of those whose titles are in `right` stands on the right."""
    return tuple(ScreenColumn(title, title in right) for title in titles)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, and the state or health word that gives its colour."""

    text: str
    word: str = ""


def table_lines(
    columns: Sequence[ScreenColumn],
    rows: Sequence[Sequence[Cell]],
    terminal: Terminal,
    *,
    dropped: Sequence[str] = (),
) -> list[str]:
    """Return the lines of a table: the titles, then a line for each row.

    On a terminal that is too narrow, the columns `dropped` are left out one after the other, as
    far as needed. Text of the last column that still has no room stands below its row.
    """
    title, blocks = table_blocks(columns, rows, terminal, dropped=dropped)
    return [title, *chain.from_iterable(blocks)]


def table_blocks(
    columns: Sequence[ScreenColumn],
    rows: Sequence[Sequence[Cell]],
    terminal: Terminal,
    *,
    dropped: Sequence[str] = (),
) -> tuple[str, list[list[str]]]:
    """Return the line of titles of a table, and the lines of each row."""
    titles = [Cell(column.title) for column in columns]
    widths = [
        max(len(row[number].text) for row in (titles, *rows)) for number in range(len(titles))
    ]
    shown = _fitting(columns, widths, dropped, terminal)
    kept, widths = [columns[number] for number in shown], [widths[number] for number in shown]
    last = columns[shown[-1]]
    room = terminal.width_columns - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    whole = not terminal.interactive or last.right or room >= widths[-1]
    *heads, end = (titles[number] for number in shown)
    if not whole and len(end.text) > room:
        end = Cell("")
    title = terminal.bold(_line(kept, widths, [*heads, end], terminal))
    blocks = []
    for row in rows:
        *cells, end = (row[number] for number in shown)
        if whole or len(end.text) <= room:
            blocks.append([_line(kept, widths, [*cells, end], terminal)])
        else:
            line = _line(kept, widths, [*cells, Cell("")], terminal)
            blocks.append([line, *below(end.text, terminal)])
    return title, blocks


def _fitting(
    columns: Sequence[ScreenColumn],
    widths: Sequence[int],
    dropped: Sequence[str],
    terminal: Terminal,
) -> list[int]:
    """Return the numbers of the columns for which there is room."""
    shown = list(range(len(columns)))
    titles = [column.title for column in columns]
    for title in (title for title in dropped if title in titles):
        used = sum(widths[number] for number in shown) + len(_GAP) * (len(shown) - 1)
        if not terminal.interactive or used <= terminal.width_columns:
            break
        shown.remove(titles.index(title))
    return shown


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
