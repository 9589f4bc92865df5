"""Joins several tables by time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsd.data.table import Column, Table


def outer(tables: Sequence[Table]) -> Table:
    """Return all columns in one table, with a row for each time that any of them has.

    No sample is lost: a table that has a time twice gets two rows of it.
    """
    if len(tables) == 1:
        return tables[0]
    ticks = np.concatenate([table.ticks for table in tables])
    repeats = np.concatenate([_repeats(table.ticks) for table in tables])
    order = np.lexsort((repeats, ticks))
    ticks, repeats = ticks[order], repeats[order]
    new = np.ones(len(ticks), dtype=bool)
    new[1:] = (np.diff(ticks) != 0) | (np.diff(repeats) != 0)
    rows = np.empty(len(order), dtype=np.intp)
    rows[order] = np.cumsum(new) - 1
    columns: dict[str, Column] = {}
    begin, height = 0, int(new.sum())
    for table in tables:
        mine = rows[begin : begin + table.samples]
        columns |= {name: _spread(column, mine, height) for name, column in table.columns.items()}
        begin += table.samples
    return Table("", ticks[new], columns)


def _repeats(ticks: NDArray[np.int64]) -> NDArray[Any]:
    """Return for each of ascending times how often it has occurred before."""
    return np.arange(len(ticks)) - np.searchsorted(ticks, ticks, side="left")


def _spread(column: Column, rows: NDArray[np.intp], height: int) -> Column:
    values = np.zeros(height, dtype=column.values.dtype)
    there = np.zeros(height, dtype=bool)
    values[rows] = column.values
    there[rows] = column.there
    return Column(values, there)
