"""Where the numbers of a packed message are: where two messages with these numbers differ."""

from collections.abc import Iterable, Mapping
from struct import unpack
from typing import Any, Final

PROBES: Final[Mapping[type, tuple[Any, Any]]] = {
    float: (0.0, unpack("<d", b"\1" * 8)[0]),
    int: (0, 0x01010101),
}
"""Two numbers of each type, which differ in each of their packed bytes, by one bit."""


def number_type(column: Iterable[Any]) -> type | None:
    """Return the type of all numbers of a column; None if they are not of one such type."""
    types = set(map(type, column))
    if len(types) == 1 and types <= PROBES.keys():
        return types.pop()
    return None
