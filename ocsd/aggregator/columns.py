"""Growing columns of one type each, 8 bytes a number.

A column takes the lists of a message as they come off the wire: one pass over
the values checks and converts them, and no Python object per value stays behind.
"""

import struct
from array import array
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """The four column types of a G3 housekeeping block."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    TEXT = "str"


class MisfitError(Exception):
    """The values do not fit a column; `kind` is the type that they would need.

    Internal to the aggregator: the provider answers it by widening the column
    or by starting a new provider, and nobody else sees it.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


# A value of a narrower type can stand in a column of a wider one.
_WIDTH: Final = {Kind.BOOL: 0, Kind.INT: 1, Kind.FLOAT: 2}
_TYPECODE: Final = {Kind.BOOL: "b", Kind.INT: "q", Kind.FLOAT: "d"}
_BYTES: Final = {Kind.BOOL: 1, Kind.INT: 8, Kind.FLOAT: 8, Kind.TEXT: 64}
_NUMBERS: Final = frozenset({bool, int, float, type(None)})
_INT64: Final = range(-(2**63), 2**63)

# What the fast ways of taking numbers raise about values that are none.
NOT_ALL_NUMBERS: Final = (TypeError, OverflowError, struct.error)

# From this length on `struct` converts a list faster than `array` does.
LONG_LIST: Final = 24


def kind_of(values: list[Any]) -> Kind:
    """Return the narrowest type that holds all of `values`.

    Ints mixed with floats become floats, and so do ints beyond 64 bits and
    missing numbers (None, what JSON clients send for NaN).

    Raises
    ------
    ValueError
        If the values have no common type, or one that files cannot hold.
    """
    types = set(map(type, values))
    if types == {str}:
        # Lone surrogates get through JSON and would break the frame later.
        "".join(values).encode()
        return Kind.TEXT
    if not types <= _NUMBERS:
        names = " and ".join(sorted(kind.__name__ for kind in types))
        raise ValueError(f"holds {names}; a field holds only numbers, only bools or only strings")
    if types == {bool}:
        return Kind.BOOL
    if types <= {bool, int} and all(value in _INT64 for value in values):
        return Kind.INT
    return Kind.FLOAT


def wider(one: Kind, other: Kind) -> Kind | None:
    """Return the type that holds the values of both, None if there is none."""
    if one is other:
        return one
    if Kind.TEXT in {one, other}:
        return None
    return max(one, other, key=_WIDTH.__getitem__)


class Column:
    """The values of one field that wait for their frame.

    Parameters
    ----------
    kind : Kind
        Type of the column; changes only by `widen`.
    """

    __slots__ = ("kind", "values")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        # An array for numbers and bools, a list for texts.
        self.values: Any = _empty(kind)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def bytes_per_value(self) -> int:
        """About how much memory one value takes [bytes]."""
        return _BYTES[self.kind]

    def extend(self, values: list[Any]) -> None:
        """Append `values`, all of them or none.

        Raises
        ------
        MisfitError
            If the values need another type than the column's.
        ValueError
            If no column can hold them.
        """
        if self.kind is Kind.INT or self.kind is Kind.FLOAT:
            try:
                if len(values) < LONG_LIST:
                    self.values.fromlist(values)
                else:
                    layout = f"{len(values)}{_TYPECODE[self.kind]}"
                    self.values.frombytes(struct.pack(layout, *values))
            except NOT_ALL_NUMBERS:
                self._extend_slowly(values)
        else:
            self._extend_slowly(values)

    def short_taker(self) -> Callable[[list[Any]], None]:
        """Return the fastest way to append a short list, until `widen` or `clear`.

        It may raise one of `NOT_ALL_NUMBERS` where `extend` knows a way.
        """
        if self.kind is Kind.INT or self.kind is Kind.FLOAT:
            taker: Callable[[list[Any]], None] = self.values.fromlist
            return taker
        return self.extend

    def truncate(self, length: int) -> None:
        """Forget all values from index `length` on."""
        del self.values[length:]

    def widen(self, kind: Kind) -> None:
        """Turn the column into the wider numeric type `kind`."""
        self.values = array(_TYPECODE[kind], self.values)
        self.kind = kind

    def clear(self) -> None:
        """Forget all values and give their memory back."""
        self.values = _empty(self.kind)

    def _extend_slowly(self, values: list[Any]) -> None:
        needed = kind_of(values)
        if wider(self.kind, needed) is not self.kind:
            raise MisfitError(needed)
        if self.kind is Kind.FLOAT:
            nan = float("nan")
            numbers = [nan if value is None else value for value in values]
            try:
                self.values.extend(array("d", numbers))
            except OverflowError as error:
                raise ValueError("holds an integer too large for a float") from error
        elif self.kind is Kind.BOOL:
            self.values.frombytes(bytes(values))
        else:
            self.values.extend(values)


def _empty(kind: Kind) -> "array[Any] | list[str]":
    return [] if kind is Kind.TEXT else array(_TYPECODE[kind])
