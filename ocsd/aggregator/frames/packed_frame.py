"""Writes data frames as bytes, without an object of so3g for each column.

Nine tenths of so3g's time for a small frame are spent on objects, and most of its time for a large
one on a table for the checksum. The format is that of spt3g_software (core/src/G3Frame.cxx,
G3Map.cxx and G3Vector.cxx, in cereal's portable binary archive). The bytes are those that so3g
writes: tests compare them, and each process that records looks whether the so3g that is installed
agrees (`ocsd.aggregator.frames.frames.why_slow`). `ocsd.data.trend.packed` reads the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Values

Piece: TypeAlias = bytes | NDArray[Any]
"""Bytes, or an array that stands for its bytes."""

Entries: TypeAlias = Mapping[str, int | float | str]
"""The entries of a frame besides its blocks."""

FRAME: Final = Struct("<BIII")
"""Byte order, version, number of entries and type of a frame."""

U64: Final = Struct("<Q")
U32: Final = Struct("<I")

INVERTED: Final = 2**32 - 1
"""spt3g inverts its checksums neither first nor last, as others do."""

NEW: Final = 1 << 31
"""The bit of a number that says that its type, or its object, comes for the first time."""

_INT: Final = Struct("<q")
_FLOAT: Final = Struct("<d")
_HOUSEKEEPING: Final = ord("H")
_INT_SIZES: Final = (1, 2, 4)
_SMALL_BYTES: Final = 4096
"""Columns below this size are copied once more, because pieces cost as well [bytes]."""


def begin_object(type_name: str, *versions: int) -> bytes:
    """Return how an object of a type begins in an archive of its own."""
    name = U32.pack(NEW | 1) + U64.pack(len(type_name)) + type_name.encode()
    return b"\1" + name + U32.pack(NEW | 1) + b"".join(map(U32.pack, versions))


MAP_NAME: Final = "G3TimesampleMap"
FIRST_MAP: Final = (
    U32.pack(NEW | 2) + U64.pack(len(MAP_NAME)) + MAP_NAME.encode()
    + U32.pack(NEW | 2) + U32.pack(0) + U32.pack(1)
)  # fmt: skip
BLOCKS: Final = begin_object("G3VectorFrameObject", 1, 1)
TEXTS: Final = begin_object("G3VectorString", 1, 1)
FLOATS: Final = begin_object("G3VectorDouble", 1, 1)
BOOLS: Final = begin_object("G3VectorBool", 1, 1)
INTS: Final = begin_object("G3VectorInt", 2, 1)
_ONE_INT: Final = begin_object("G3Int", 1, 1)
_ONE_FLOAT: Final = begin_object("G3Double", 1, 1)
_ONE_TEXT: Final = begin_object("G3String", 1, 1)


class FrameColumns(NamedTuple):
    """Samples that were taken together, ascending in time."""

    kinds: Mapping[str, Kind]
    """Type of each field."""
    ticks: NDArray[np.int64]
    """Times [ticks of 10 ns], shape (n,)."""
    values: Mapping[str, Values]
    """Values by field, each of the same shape and of its type."""


def next_map(number: int) -> bytes:
    """Return how the block of a number begins; the first one has `FIRST_MAP`."""
    return U32.pack(2) + U32.pack(NEW | (number + 2))


def packed_frame(entries: Entries, blocks: Mapping[str, FrameColumns]) -> list[Piece]:
    """Return a housekeeping frame, as pieces.

    Parameters
    ----------
    entries : mapping
        What stands behind the blocks, in this order.
    blocks : mapping of str to FrameColumns
        The blocks by name, at least one.
    """
    names: list[Piece] = [TEXTS, U64.pack(len(blocks)), *map(_text, blocks)]
    content = [BLOCKS, U64.pack(len(blocks)), *_maps(list(blocks.values()))]
    parts: list[tuple[str, list[Piece]]] = [("block_names", names), ("blocks", content)]
    parts += [(name, [_entry(value)]) for name, value in entries.items()]
    pieces: list[Piece] = [FRAME.pack(1, 1, len(parts), _HOUSEKEEPING)]
    crc = INVERTED
    for name, packed in parts:
        pieces += _text(name), U64.pack(sum(map(_size, packed))), *packed
        for piece in (name.encode(), *packed):
            crc = google_crc32c.extend(crc, piece)
    pieces.append(U32.pack(crc ^ INVERTED))
    return pieces


def _size(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.nbytes


def _entry(value: float | str) -> bytes:
    if isinstance(value, str):
        return _ONE_TEXT + _text(value)
    if isinstance(value, int):
        return _ONE_INT + _INT.pack(value)
    return _ONE_FLOAT + _FLOAT.pack(value)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return U64.pack(len(encoded)) + encoded


def _maps(blocks: Sequence[FrameColumns]) -> Iterator[Piece]:
    for number, block in enumerate(blocks):
        # The version of a type comes with its first object only.
        version = U32.pack(1) if number == 0 else b""
        yield (FIRST_MAP if number == 0 else next_map(number)) + U32.pack(len(block.kinds))
        for name in sorted(block.kinds, key=str.encode):
            head, values = _column(block.kinds[name], block.values[name])
            size_bytes = _size(values)
            head = _text(name) + U64.pack(len(head) + size_bytes) + head
            if size_bytes < _SMALL_BYTES:
                yield head + bytes(values)
            else:
                yield head
                yield values
        yield version + U64.pack(len(block.ticks)) + version
        yield np.ascontiguousarray(block.ticks, np.int64)


def _column(kind: Kind, values: Values) -> tuple[bytes, Piece]:
    count = U64.pack(len(values))
    match kind:
        case Kind.FLOAT:
            return FLOATS + count, np.ascontiguousarray(values, np.float64)
        case Kind.BOOL:
            return BOOLS + count, np.ascontiguousarray(values, np.bool_)
        case Kind.INT:
            narrow = _narrowed(np.asarray(values, np.int64))
            return INTS + U32.pack(8 * narrow.itemsize) + count, narrow
        case Kind.TEXT:
            return TEXTS + count, b"".join(map(_text, values))
    assert_never(kind)


def _narrowed(values: NDArray[np.int64]) -> NDArray[Any]:
    """Return whole numbers in as few bytes as all of them fit into."""
    lowest, highest = int(values.min()), int(values.max())
    for size in _INT_SIZES:
        if -(1 << 8 * size - 1) <= lowest and highest < 1 << 8 * size - 1:
            return values.astype(f"<i{size}")
    return np.ascontiguousarray(values)
