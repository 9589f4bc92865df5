"""A small table: columns as wide as what stands in them, whole ids always.

rich would cut ids to 80 columns where the output is piped, and costs as much
time as the rest of `ocsd status`.
"""

from collections.abc import Container, Sequence
from itertools import chain
from typing import NamedTuple

from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.screen.wrap import below

_GAP = "  "


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
    cells_of = zip(titles, *rows, strict=True)
    widths = [max(len(cell.text) for cell in column) for column in cells_of]
    shown = _fitting(columns, widths, dropped, terminal)
    kept, widths = [columns[number] for number in shown], [widths[number] for number in shown]
    room = terminal.width_columns - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    if not terminal.interactive or kept[-1].right:
        room = max(room, widths[-1])
    [title, *_], *blocks = (
        _block(kept, widths, [row[number] for number in shown], room, terminal)
        for row in (titles, *rows)
    )
    return terminal.bold(title), blocks


def _block(
    columns: Sequence[ScreenColumn],
    widths: Sequence[int],
    cells: Sequence[Cell],
    room: int,
    terminal: Terminal,
) -> list[str]:
    """Return the lines of a row; its last text stands below if it has not the `room` beside."""
    *before, end = cells
    if len(end.text) <= room:
        return [_line(columns, widths, cells, terminal)]
    return [_line(columns, widths, [*before, Cell("")], terminal), *below(end.text, terminal)]


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
