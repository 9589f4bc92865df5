"""The bounds of windows: the times, columns and fields that may be asked for. Pure."""

import math
from collections.abc import Sequence
from typing import Final

from ocsd.errors import UsageError

COLUMNS_OF_WINDOW: Final = 100_000
"""Most columns of a window: more than any screen has, and 4 MB a field."""

FIELDS_OF_WINDOW: Final = 500
"""Most fields of a window."""

COLUMNS_OF_ALL_FIELDS: Final = 4_000_000
"""Most columns of all fields of a window together: about 200 MB."""

FARTHEST_FROM_1970_S: Final = 9e10
"""G3 has no times farther from 1970 than this [s]."""


def check_span(since: float, until: float, columns: int) -> None:
    """Check the time and the number of columns that a window is asked for.

    Raises
    ------
    UsageError
        If the time has no length or no such times exist, or there are too few or many columns.
    """
    for name, at in (("since", since), ("until", until)):
        if not math.isfinite(at) or abs(at) > FARTHEST_FROM_1970_S:
            raise UsageError(
                f"{name}={at!r} is no time of a recording; write Unix time in seconds, "
                "e.g. 1795328225.5"
            )
    if until <= since:
        raise UsageError(
            f"until={until!r} is not later than since={since!r}, so there is no time between them"
        )
    if not 1 <= columns <= COLUMNS_OF_WINDOW:
        raise UsageError(
            f"columns={columns} is not from 1 to {COLUMNS_OF_WINDOW}; a screen has some 2,000"
        )


def check_number(fields: Sequence[str], columns: int) -> None:
    """Check the number of fields that a window is asked for.

    Raises
    ------
    UsageError
        If they are too many, or too many for so many columns each.
    """
    if len(fields) > FIELDS_OF_WINDOW:
        raise UsageError(
            f"{len(fields)} fields are more than the {FIELDS_OF_WINDOW} of a window; ask for fewer"
        )
    if len(fields) * columns > COLUMNS_OF_ALL_FIELDS:
        raise UsageError(
            f"{len(fields)} fields of {columns:,} columns each are more than the "
            f"{COLUMNS_OF_ALL_FIELDS:,} columns of a window; ask for fewer"
        )
