"""Rows in the binary form of COPY, made by numpy for a whole column at a time.

https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"
"""

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.export.databases.postgres.rows import Cells, Rows
from ocsd.journal.kinds import Kind

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_EPOCH_US: Final = 946_684_800_000_000
"""PostgreSQL counts from the year 2000 [us]."""
_WIRE: Final = {Kind.FLOAT: ">f8", Kind.INT: ">i8", Kind.BOOL: "u1"}


class _EncodedColumn(NamedTuple):
    """A column as bytes."""

    lengths: NDArray[np.int64]
    """Shape (n,), bytes of each value; -1 for NULL."""
    content: NDArray[np.uint8]
    """All values, one behind the other."""


def encoded(rows: Rows) -> bytes:
    """Return rows as COPY takes them: the time, then the columns in the order of `rows.cells`."""
    times = Cells(rows.times - _EPOCH_US, np.ones(len(rows.times), np.bool_))
    columns = [_column(Kind.INT, times)]
    columns += [_column(column.kind, cells) for column, cells in rows.cells.items()]
    return _HEADER + _laid_out(columns).tobytes() + _TRAILER


def _column(kind: Kind, cells: Cells) -> _EncodedColumn:
    values, present = cells
    if kind is Kind.TEXT:
        texts = [str(text).encode("utf-8", "surrogatepass") for text in values[present]]
        lengths = np.full(len(values), -1, np.int64)
        lengths[present] = np.fromiter(map(len, texts), np.int64, len(texts))
        return _EncodedColumn(lengths, np.frombuffer(b"".join(texts), np.uint8))
    wire = np.ascontiguousarray(values[present].astype(_WIRE[kind]))
    lengths = np.where(present, wire.dtype.itemsize, -1)
    return _EncodedColumn(lengths, wire.view(np.uint8))


def _laid_out(columns: Sequence[_EncodedColumn]) -> NDArray[np.uint8]:
    """Return the columns as rows: a count, and for each value its length and its bytes."""
    if all((column.lengths == column.lengths[0]).all() for column in columns):
        return _of_one_size(columns)
    filled = [np.maximum(column.lengths, 0) for column in columns]
    row_sizes = 2 + np.sum([4 + sizes for sizes in filled], axis=0)
    ends = np.cumsum(row_sizes)
    result = np.zeros(int(ends[-1]), np.uint8)
    places = ends - row_sizes
    _put(result, places, np.full(len(places), len(columns), ">i2"))
    places = places + 2
    for column, sizes in zip(columns, filled, strict=True):
        _put(result, places, column.lengths.astype(">i4"))
        places = places + 4
        begins = np.cumsum(sizes) - sizes
        where = np.repeat(places - begins, sizes) + np.arange(len(column.content))
        result[where] = column.content
        places = places + sizes
    return result


def _of_one_size(columns: Sequence[_EncodedColumn]) -> NDArray[np.uint8]:
    """Lay out rows that are all as long as the first one; this takes a tenth of the time."""
    sizes = [int(column.lengths[0]) for column in columns]
    parts = [("count", ">i2")]
    for place, size in enumerate(sizes):
        parts += [(f"length{place}", ">i4"), (f"value{place}", f"V{max(size, 0)}")]
    result = np.empty(len(columns[0].lengths), np.dtype(parts))
    result["count"] = len(columns)
    for place, (size, column) in enumerate(zip(sizes, columns, strict=True)):
        result[f"length{place}"] = size
        if size > 0:
            result[f"value{place}"] = column.content.view(f"V{size}")
    return result.view(np.uint8)


def _put(result: NDArray[np.uint8], places: NDArray[np.int64], numbers: NDArray[Any]) -> None:
    """Write numbers of a fixed size at places."""
    result[places[:, np.newaxis] + np.arange(numbers.dtype.itemsize)] = _as_bytes(numbers)


def _as_bytes(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Return numbers as bytes, shape (n, bytes of one)."""
    return numbers.view(np.uint8).reshape(-1, numbers.dtype.itemsize)
