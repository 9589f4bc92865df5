"""Packing the blocks of messages, by the layout that the journal keeps."""

import struct
from collections.abc import Mapping
from itertools import chain, cycle
from typing import Any

import cbor2

from ocsd.aggregator.incoming.columns import (
    LONG_LIST,
    NOT_ALL_NUMBERS,
    check_texts,
    pack,
    packer,
)
from ocsd.aggregator.incoming.message import CheckedBlock, RefusedError
from ocsd.journal.kinds import TYPECODE, Kind
from ocsd.journal.layout import Layout, Tags
from ocsd.journal.origin import Origin


class PackingLayout(Layout):
    """A layout that packs new blocks."""

    __slots__ = ("_short", "codes", "is_plain", "names")

    def __init__(
        self,
        origin: Origin,
        block_name: str,
        kinds: Mapping[str, Kind],
        tags: Tags | None = None,
    ) -> None:
        super().__init__(origin, block_name, kinds, tags)
        self.names = tuple(self.kinds)
        self.is_plain = all(kind in TYPECODE for kind in self.kinds.values())
        self.codes = "".join(TYPECODE.get(kind, "-") for kind in self.kinds.values())
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
        if self.is_plain:
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

    def pack_lists(self, lists: list[list[Any]], length: int) -> list[bytes]:
        """Return several blocks of `length` samples as bytes; this layout `is_plain`.

        `lists` has the times and the columns of each block in the order of `names`, one block
        behind the other. They may be of other layouts with the same `codes`. Whether the times are
        good is not checked.

        Raises
        ------
        TypeError, OverflowError, struct.error
            If a value has another type.
        """
        step = 1 + len(self.names)
        if length >= LONG_LIST:
            kinds = (Kind.FLOAT, *self.kinds.values())
            pack_as = {kind: packer(f"{length}{code}").pack for kind, code in TYPECODE.items()}
            packs = cycle([pack_as[kind] for kind in kinds])
            parts = [pack(*values) for pack, values in zip(packs, lists, strict=False)]
            return [b"".join(parts[place : place + step]) for place in range(0, len(parts), step)]
        if self.is_all_floats:
            values = [*chain.from_iterable(lists)]
            width = self.width * length
            content = packer(f"{len(values)}d").pack(*values)
            return [content[place : place + width] for place in range(0, len(content), width)]
        columns = self._short.get(length) or self._add_short(length)
        times = packer(f"{length}d")
        return [
            times.pack(*lists[place])
            + columns.pack(*chain.from_iterable(lists[place + 1 : place + step]))
            for place in range(0, len(lists), step)
        ]

    def _pack_numbers(self, block: CheckedBlock) -> bytes:
        length = block.length
        lists = map(block.columns.__getitem__, self.names)
        if length < LONG_LIST:
            layout = self._short.get(length) or self._add_short(length)
            return block.times + layout.pack(*chain.from_iterable(lists))
        pack_as = {kind: packer(f"{length}{code}").pack for kind, code in TYPECODE.items()}
        kinds = self.kinds.values()
        parts = [pack_as[kind](*values) for kind, values in zip(kinds, lists, strict=True)]
        return b"".join([block.times, *parts])

    def _add_short(self, length: int) -> struct.Struct:
        """Remember how all columns of a short list are packed at once."""
        codes = [f"{length}{TYPECODE[kind]}" for kind in self.kinds.values()]
        # The alignment of the machine; all items have 8 bytes, so there is no padding.
        self._short[length] = struct.Struct("".join(codes))
        return self._short[length]


def bad_field(block_name: str, name: str, error: Exception) -> RefusedError:
    """Return the reason for refusing a block because of one field."""
    return RefusedError(f"block {block_name!r}: field {name!r} {error}")
