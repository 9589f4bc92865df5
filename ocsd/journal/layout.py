"""The layout of packed blocks: their fields in order, each with its type."""

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, Final, NamedTuple, TypeAlias

import cbor2
import numpy as np
from numpy.typing import NDArray

from ocsd.journal.kinds import BYTES, Kind
from ocsd.journal.origin import Origin

_DTYPES: Final = {Kind.BOOL: "?", Kind.INT: "i8", Kind.FLOAT: "f8"}
_EMPTY: Final = {Kind.BOOL: np.bool_, Kind.INT: np.int64, Kind.FLOAT: np.float64}

Values: TypeAlias = NDArray[Any] | list[str]
Tags: TypeAlias = Mapping[str, Mapping[str, Any]]


class Layout:
    """The fields of a block from one source.

    Packed samples are the timestamps (float64), then one column for each field of
    numbers or bools in order, then the texts of all text fields as one CBOR array
    of arrays. `kinds` has the type of each field, in the order of the columns; `origin` is the
    sender, as its first message described it; `is_all_floats` tells whether every field has
    numbers of type float, `tags` the block's `influxdb_tags` by field, if it has any.
    """

    __slots__ = (
        "__weakref__",
        "_dtype",
        "_places",
        "_texts",
        "block_name",
        "is_all_floats",
        "kinds",
        "origin",
        "tags",
        "width",
    )

    def __init__(
        self,
        origin: Origin,
        block_name: str,
        kinds: Mapping[str, Kind],
        tags: Tags | None = None,
    ) -> None:
        self.origin = origin
        self.tags = tags
        self.block_name = block_name
        self.kinds = dict(kinds)
        self.width = 8 + sum(BYTES[kind] for kind in self.kinds.values())
        numbers = [name for name, kind in self.kinds.items() if kind is not Kind.TEXT]
        self._dtype: tuple[int, np.dtype[Any]] | None = None
        self._places = {name: place for place, name in enumerate(numbers, start=1)}
        self._texts = [name for name, kind in self.kinds.items() if kind is Kind.TEXT]
        self.is_all_floats = all(kind is Kind.FLOAT for kind in self.kinds.values())

    def places(self, names: Sequence[str]) -> list[int]:
        """Return the places of the columns of fields that are no texts; the timestamps have 0."""
        return [self._places[name] for name in names]

    def unpack(
        self, length: int, contents: Sequence[bytes], names: Container[str] | None = None
    ) -> dict[str, Values]:
        """Return the columns of the contents of several blocks, each of `length` samples.

        The timestamps have the name "", which no field has. `names` are the fields that are
        wanted, None for all.
        """
        wanted = [name for name in self.kinds if names is None or name in names]
        width = self.width * length
        numbers = [content[:width] for content in contents] if self._texts else contents
        raw = np.frombuffer(b"".join(numbers), dtype=self._dtype_of(length))
        columns: dict[str, Values] = {"": raw["f0"].reshape(-1)}
        for name in wanted:
            if name in self._places:
                columns[name] = raw[f"f{self._places[name]}"].reshape(-1)
        if len(columns) <= len(wanted):
            columns |= self._unpack_texts([content[width:] for content in contents])
        return columns

    def _unpack_texts(self, contents: Sequence[bytes]) -> dict[str, list[str]]:
        lists = [cbor2.loads(content) for content in contents]
        return {
            name: list(chain.from_iterable(each[place] for each in lists))
            for place, name in enumerate(self._texts)
        }

    def _dtype_of(self, length: int) -> np.dtype[Any]:
        if self._dtype is None or self._dtype[0] != length:
            codes = [_DTYPES[kind] for kind in self.kinds.values() if kind in _DTYPES]
            parts = [(f"f{place}", code, (length,)) for place, code in enumerate(["f8", *codes])]
            self._dtype = length, np.dtype(parts)
        return self._dtype[1]


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
        At least one; all have the fields of `kinds`, of the same or narrower types.
    kinds : mapping of str to Kind
        The types of the result.

    Returns
    -------
    dict of str to ndarray or list of str
        Each of n samples; "" are the timestamps as Unix times [s], float64.
    """
    first = blocks[0]
    if first.layout.is_all_floats and kinds == first.layout.kinds and _are_alike(blocks):
        # Feeds are nearly always like that.
        table = np.ascontiguousarray(_table(blocks)).reshape(1 + len(kinds), -1)
        return dict(zip(("", *first.layout.kinds), table, strict=True))
    parts = list(_parts(blocks, kinds))
    columns: dict[str, Values] = {"": _joined(Kind.FLOAT, [part[""] for part in parts])}
    for name, kind in kinds.items():
        columns[name] = _joined(kind, [part[name] for part in parts])
    return columns


def numbers_of(
    blocks: Sequence[PackedBlock], names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the timestamps and some fields of numbers or bools, all as floats.

    Parameters
    ----------
    blocks : sequence of PackedBlock
        At least one; all have these fields.
    names : sequence of str
        Fields of numbers or bools.

    Returns
    -------
    ndarray of float64, shape (n,)
        Unix times [s].
    ndarray of float64, shape (names, n)
    """
    first = blocks[0]
    if first.layout.is_all_floats and _are_alike(blocks):
        # Many times as fast as field by field, and feeds are nearly always like that.
        rows = _table(blocks)
        places = first.layout.places(names)
        return rows[0].reshape(-1), rows[places].reshape(len(names), -1)
    columns = gather(blocks, dict.fromkeys(names, Kind.FLOAT))
    values = np.zeros((len(names), len(columns[""])))
    for place, name in enumerate(names):
        values[place] = columns[name]
    return np.asarray(columns[""]), values


def _are_alike(blocks: Sequence[PackedBlock]) -> bool:
    """Return whether all blocks have the layout and the length of the first one."""
    layout, length, _ = blocks[0]
    return all(each[0] is layout and each[1] == length for each in blocks)


def _table(blocks: Sequence[PackedBlock]) -> NDArray[np.float64]:
    """Return times and columns of blocks that are alike, all floats: (columns, blocks, length)."""
    content = blocks[0].content
    if len(blocks) > 1:
        content = b"".join([content for _, _, content in blocks])
    return np.frombuffer(content).reshape(len(blocks), -1, blocks[0].length).swapaxes(0, 1)


def _parts(blocks: Sequence[PackedBlock], names: Container[str]) -> Iterator[dict[str, Values]]:
    for _, group in groupby(blocks, key=lambda packed: (id(packed.layout), packed.length)):
        alike = list(group)
        layout, length, _ = alike[0]
        yield layout.unpack(length, [packed.content for packed in alike], names)


def _joined(kind: Kind, parts: list[Any]) -> Values:
    if kind is Kind.TEXT:
        return list(chain.from_iterable(parts))
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
    # A column behind bools may begin anywhere, and spt3g refuses whole numbers that do.
    return np.require(joined, _EMPTY[kind], ["C", "ALIGNED"])
