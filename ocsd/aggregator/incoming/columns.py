"""Lists of values, packed as bytes of one type.

The lists of a message are packed as they come off the wire: one pass over the
values checks and converts them. The same bytes go into the journal and, when
their time has come, into a frame.
"""

import struct
from array import array
from functools import lru_cache
from typing import Any, Final

from ocsd.journal.kinds import TYPECODE, Kind


class MisfitError(Exception):
    """The values do not fit a column; `kind` is the type that they would need.

    Internal to the aggregator: the provider widens the column, or a new provider starts.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


# A value of a narrower type can stand in a column of a wider one.
_WIDTH: Final = {Kind.BOOL: 0, Kind.INT: 1, Kind.FLOAT: 2}
_NUMBERS: Final = frozenset({bool, int, float, type(None)})
_NAN_OF: Final = {None: float("nan")}
_INT64: Final = range(-(2**63), 2**63)

# Errors of packing values that are not all numbers.
NOT_ALL_NUMBERS: Final = (TypeError, OverflowError, struct.error)

# From this length on, a list is packed by itself and checked by numpy.
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


def wider(kind: Kind, other: Kind) -> Kind | None:
    """Return the type that holds the values of both, None if there is none."""
    if kind is other:
        return kind
    if Kind.TEXT in {kind, other}:
        return None
    return max(kind, other, key=_WIDTH.__getitem__)


def pack(kind: Kind, values: list[Any]) -> bytes:
    """Return numbers or bools as bytes, 8 bytes a number and one a bool.

    Raises
    ------
    MisfitError
        If the values need a wider or another type.
    ValueError
        If no column can hold them.
    """
    if kind is Kind.INT or kind is Kind.FLOAT:
        try:
            return packer(f"{len(values)}{TYPECODE[kind]}").pack(*values)
        except NOT_ALL_NUMBERS:
            pass
    return _pack_slowly(kind, values)


def check_texts(values: list[Any]) -> None:
    """Check that all values are texts that files can hold.

    Raises
    ------
    MisfitError
        If they are something else.
    ValueError
        If no column can hold them.
    """
    needed = kind_of(values)
    if needed is not Kind.TEXT:
        raise MisfitError(needed)


@lru_cache(maxsize=1000)
def packer(layout: str) -> struct.Struct:
    """Return a compiled layout of the standard library's `struct`."""
    return struct.Struct(layout)


def _pack_slowly(kind: Kind, values: list[Any]) -> bytes:
    needed = kind_of(values)
    if wider(kind, needed) is not kind:
        raise MisfitError(needed)
    if kind is Kind.BOOL:
        return bytes(values)
    numbers = [_NAN_OF.get(value, value) for value in values]
    try:
        return array(TYPECODE[kind], numbers).tobytes()
    except OverflowError as error:
        raise ValueError("holds an integer too large for a float") from error
