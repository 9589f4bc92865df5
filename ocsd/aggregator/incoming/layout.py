"""The layout of packed blocks: their fields in order, each with its type."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, Final, NamedTuple, TypeAlias

import cbor2
import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.incoming.columns import (
    BYTES,
    LONG_LIST,
    NOT_ALL_NUMBERS,
    TYPECODE,
    Kind,
    check_texts,
    pack,
    packer,
)
from ocsd.aggregator.incoming.message import CheckedBlock, Origin, RefusedError

_DTYPES: Final = {Kind.BOOL: "?", Kind.INT: "i8", Kind.FLOAT: "f8"}
_EMPTY: Final = {Kind.BOOL: np.bool_, Kind.INT: np.int64, Kind.FLOAT: np.float64}

Values: TypeAlias = NDArray[Any] | list[str]


class Layout:
    """The fields of a block from one source.

    Packed samples are the timestamps (float64), then one column for each field of
    numbers or bools in order, then the texts of all text fields as one CBOR array
    of arrays. `kinds` has the type of each field, in the order of the columns; `origin` is the
    sender, as its first message described it.
    """

    __slots__ = ("_names", "_plain", "_short", "_texts", "block_name", "kinds", "origin", "width")

    def __init__(self, origin: Origin, block_name: str, kinds: Mapping[str, Kind]) -> None:
        self.origin = origin
        self.block_name = block_name
        self.kinds = dict(kinds)
        self.width = 8 + sum(BYTES[kind] for kind in self.kinds.values())
        self._names = tuple(self.kinds)
        self._texts = [name for name, kind in self.kinds.items() if kind is Kind.TEXT]
        self._plain = all(kind in TYPECODE for kind in self.kinds.values())
        self._short: dict[int, struct.Struct] = {}

    def pack(self, block: CheckedBlock) -> bytes:
        """Return a block that has the fields of this layout as bytes.

        Raises
        ------
        MisfitError
            If a field has another type now.
        RefusedError
            If a field has values of no type.
        """
        columns = block.columns
        if self._plain:
            try:
                return self._pack_numbers(block)
            except NOT_ALL_NUMBERS:
                pass  # Packing one by one finds out whether it is a None or a wider type.
        parts = [block.times]
        name = ""
        try:
            for name, kind in self.kinds.items():  # named in the error
                if kind is Kind.TEXT:
                    check_texts(columns[name])
                else:
                    parts.append(pack(kind, columns[name]))
        except ValueError as error:
            raise bad_field(block.block_name, name, error) from error
        if self._texts:
            parts.append(cbor2.dumps([columns[name] for name in self._texts]))
        return b"".join(parts)

    def unpack(self, length: int, contents: Sequence[bytes]) -> dict[str, Values]:
        """Return the columns of the contents of several blocks, each of `length` samples.

        The timestamps have the name "", which no field has.
        """
        width = self.width * length
        numbers = [content[:width] for content in contents] if self._texts else contents
        raw = np.frombuffer(b"".join(numbers), dtype=self._dtype(length))
        columns: dict[str, Values] = {"": raw["f0"].reshape(-1)}
        column = 1
        for name, kind in self.kinds.items():
            if kind is not Kind.TEXT:
                columns[name] = raw[f"f{column}"].reshape(-1)
                column += 1
        if self._texts:
            texts = [cbor2.loads(content[width:]) for content in contents]
            for index, name in enumerate(self._texts):
                columns[name] = list(chain.from_iterable(lists[index] for lists in texts))
        return columns

    def _pack_numbers(self, block: CheckedBlock) -> bytes:
        length = block.length
        lists = map(block.columns.__getitem__, self._names)
        if length < LONG_LIST:
            layout = self._short.get(length) or self._add_short(length)
            return block.times + layout.pack(*chain.from_iterable(lists))
        pack_as = {kind: packer(f"{length}{code}").pack for kind, code in TYPECODE.items()}
        kinds = self.kinds.values()
        parts = [pack_as[kind](*values) for kind, values in zip(kinds, lists, strict=True)]
        return b"".join([block.times, *parts])

    def _dtype(self, length: int) -> np.dtype[Any]:
        numbers = [_DTYPES[kind] for kind in self.kinds.values() if kind in _DTYPES]
        return np.dtype([(f"f{i}", code, (length,)) for i, code in enumerate(["f8", *numbers])])

    def _add_short(self, length: int) -> struct.Struct:
        """Remember how all columns of a short list are packed at once."""
        codes = [f"{length}{TYPECODE[kind]}" for kind in self.kinds.values()]
        # The alignment of the machine; all items have 8 bytes, so there is no padding.
        self._short[length] = struct.Struct("".join(codes))
        return self._short[length]


class PackedBlock(NamedTuple):
    """One block of a message as bytes."""

    layout: Layout
    length: int
    content: bytes


def gather(blocks: Sequence[PackedBlock], kinds: Mapping[str, Kind]) -> dict[str, Values]:
    """Return the columns of many blocks as one, each of the type that `kinds` says.

    Parameters
    ----------
    blocks : sequence of PackedBlock
        At least one; their fields are those of `kinds`, of the same or narrower types.
    kinds : mapping of str to Kind
        The types of the result.

    Returns
    -------
    dict of str to ndarray or list of str
        Each of n samples; "" are the timestamps as Unix times [s], float64.
    """
    parts = list(_parts(blocks))
    columns: dict[str, Values] = {"": _joined(Kind.FLOAT, [part[""] for part in parts])}
    for name, kind in kinds.items():
        columns[name] = _joined(kind, [part[name] for part in parts])
    return columns


def bad_field(block_name: str, name: str, error: Exception) -> RefusedError:
    """Return the reason for refusing a block because of one field."""
    return RefusedError(f"block {block_name!r}: field {name!r} {error}")


def _parts(blocks: Sequence[PackedBlock]) -> Iterator[dict[str, Values]]:
    for _, group in groupby(blocks, key=lambda packed: (id(packed.layout), packed.length)):
        alike = list(group)
        layout, length, _ = alike[0]
        yield layout.unpack(length, [packed.content for packed in alike])


def _joined(kind: Kind, parts: list[Any]) -> Values:
    if kind is Kind.TEXT:
        return list(chain.from_iterable(parts))
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.ascontiguousarray(joined, dtype=_EMPTY[kind])
