"""Brings samples into rows of tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.export.databases.points import BlockSamples, pieces
from ocsd.export.databases.postgres.catalogue import FieldCatalogue, FieldKey, TableColumn
from ocsd.journal.kinds import Kind

MOST_COPIED: Final = 200_000
"""Values of a batch at most."""
MICROSECONDS: Final = 1_000_000
"""PostgreSQL keeps times to the microsecond."""

_DTYPES: Final[Mapping[Kind, Any]] = {
    Kind.FLOAT: np.float64,
    Kind.INT: np.int64,
    Kind.BOOL: np.bool_,
    Kind.TEXT: object,
}
_EXACT_IN_FLOAT: Final = 2**53


class Cells(NamedTuple):
    """The cells of a column."""

    values: NDArray[Any]
    """Shape (n,); float64, int64, bool or object (str)."""
    present: NDArray[np.bool_]
    """Shape (n,); False where the row has no value, NULL."""


class Rows(NamedTuple):
    """Rows of one table, in the order of their times, which differ."""

    table: str
    times: NDArray[np.int64]
    """Shape (n,), Unix times [us]."""
    cells: Mapping[TableColumn, Cells]

    def part(self, begin: int, end: int) -> "Rows":
        """Return the rows of a range."""
        cells = {
            column: Cells(values[begin:end], present[begin:end])
            for column, (values, present) in self.cells.items()
        }
        return Rows(self.table, self.times[begin:end], cells)

    def single_cells(self) -> list["Rows"]:
        """Return one row as rows of one value each; together they are the same row."""
        return [
            Rows(self.table, self.times, {column: cells})
            for column, cells in self.cells.items()
            if cells.present.any()
        ]


_Chunk = tuple[NDArray[np.int64], Mapping[TableColumn, Cells]]


def keys_of(samples: BlockSamples) -> dict[FieldKey, str]:
    """Return the keys of the fields of a block, with their names there."""
    agent, _, feed = samples.block.feed.partition(".feeds.")
    return {FieldKey(agent, feed, name, kind): name for name, kind in samples.block.kinds.items()}


def batches_of(samples: Sequence[BlockSamples]) -> Iterator[list[BlockSamples]]:
    """Yield samples in batches of at most about `MOST_COPIED` values."""
    batch: list[BlockSamples] = []
    size = 0
    for each in samples:
        for piece in pieces(each, MOST_COPIED, MOST_COPIED):
            batch.append(piece)
            size += len(piece.columns[""]) * len(piece.columns)
            if size >= MOST_COPIED:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def missing(samples: Sequence[BlockSamples], catalogue: FieldCatalogue) -> list[FieldKey]:
    """Return the fields that have no column yet."""
    found: dict[FieldKey, None] = {}
    for each in samples:
        for key, name in keys_of(each).items():
            if _column(key, each.columns[name], catalogue) is None:
                found[key] = None
    return list(found)


def tabulated(samples: Sequence[BlockSamples], catalogue: FieldCatalogue) -> list[Rows]:
    """Return samples as rows of their tables.

    Samples of a feed with the same time are one row, whatever blocks they are of; where two have
    a value of the same field, the later one counts.
    """
    chunks: dict[str, list[_Chunk]] = {}
    for each in samples:
        times = np.rint(np.asarray(each.columns[""]) * MICROSECONDS).astype(np.int64)
        by_table: dict[str, dict[TableColumn, Cells]] = {}
        for key, name in keys_of(each).items():
            column = _column(key, each.columns[name], catalogue)
            if column is not None:
                cells = _cells(column.kind, each.columns[name])
                by_table.setdefault(column.table, {})[column] = cells
        for table, of_table in by_table.items():
            chunks.setdefault(table, []).append((times, of_table))
    return [_joined(table, parts) for table, parts in chunks.items()]


def _column(key: FieldKey, values: Any, catalogue: FieldCatalogue) -> TableColumn | None:
    """Return the column that takes the values of a field."""
    column = catalogue.find(key)
    if column is None and key.kind is Kind.INT:
        wider = catalogue.find(key._replace(kind=Kind.FLOAT))
        if wider is not None and bool((np.abs(np.asarray(values)) <= _EXACT_IN_FLOAT).all()):
            return wider
    return column


def _cells(kind: Kind, values: Any) -> Cells:
    if kind is Kind.TEXT:
        texts = np.empty(len(values), dtype=object)
        texts[:] = values
        return Cells(texts, np.ones(len(values), np.bool_))
    numbers = np.asarray(values).astype(_DTYPES[kind], copy=False)
    # NULL and not NaN, because a single NaN makes all of avg and max NaN.
    present = ~np.isnan(numbers) if kind is Kind.FLOAT else np.ones(len(numbers), np.bool_)
    return Cells(numbers, present)


def _joined(table: str, chunks: Sequence[_Chunk]) -> Rows:
    all_times = np.concatenate([times for times, _ in chunks])
    if len(chunks) == 1 and bool((np.diff(all_times) > 0).all()):
        return Rows(table, all_times, chunks[0][1])
    times, places = np.unique(all_times, return_inverse=True)
    joined: dict[TableColumn, Cells] = {}
    begin = 0
    for chunk_times, of_chunk in chunks:
        rows = places[begin : begin + len(chunk_times)]
        begin += len(chunk_times)
        for column, (values, present) in of_chunk.items():
            if column not in joined:
                empty = np.zeros(len(times), dtype=_DTYPES[column.kind])
                joined[column] = Cells(empty, np.zeros(len(times), np.bool_))
            joined[column].values[rows[present]] = values[present]
            joined[column].present[rows[present]] = True
    return Rows(table, times, joined)
