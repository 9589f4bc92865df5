"""The types of columns."""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The four column types of a G3 housekeeping block, and of the journal."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    TEXT = "str"


TYPECODE: Final = {Kind.INT: "q", Kind.FLOAT: "d"}
BYTES: Final = {Kind.BOOL: 1, Kind.INT: 8, Kind.FLOAT: 8, Kind.TEXT: 0}
"""Length of a packed value; texts are packed apart."""
