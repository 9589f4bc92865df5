"""Bounds of the messages of a feed that an agent keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sys import float_info
from typing import Any

from ocsd.text.sizes import parse_size

# Smallest size of a spool: a smaller one would hold descriptions rather than messages.
LEAST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bounds of one feed's spool."""

    max_age_s: float = 600.0
    """Time for which messages are kept [s], or up to a tenth longer."""
    max_bytes: int = 64 * 2**20
    """Largest size of all messages together."""

    @property
    def segment_s(self) -> float:
        """Time after which a new segment is begun [s]."""
        return self.max_age_s / 10

    @property
    def segment_bytes(self) -> int:
        """Largest size of a segment, unless one message is larger."""
        return self.max_bytes // 16


def limits_of(agg_params: Mapping[str, Any], complain: Callable[[str], None]) -> SpoolLimits:
    """Return the bounds that an author sets with ``spool_time`` and ``spool_size``.

    The time is in seconds, the size in bytes, or text like ``64M``. `complain` gets a text
    for each value that makes no sense; the default is used then.
    """
    limits = SpoolLimits()
    max_age_s, max_bytes = limits.max_age_s, limits.max_bytes
    time_s: Any = agg_params.get("spool_time")
    if _is_finite(time_s) and time_s > 0:
        max_age_s = float(time_s)
    elif time_s is not None:
        complain(f"spool_time {time_s!r} is not a time in seconds; {max_age_s:.0f} is used")
    size = agg_params.get("spool_size")
    size_bytes = _bytes(size)
    if size_bytes is not None and size_bytes >= LEAST_BYTES:
        max_bytes = size_bytes
    elif size is not None:
        complain(f"spool_size {size!r} is not 1M or more, as bytes or like '64M'; 64M is used")
    return SpoolLimits(max_age_s, max_bytes)


def is_number(value: Any) -> bool:
    """Return whether a value is a number; NaN and bool are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _bytes(size: Any) -> int | None:
    if _is_finite(size):
        return int(size)
    if isinstance(size, str):
        return parse_size(size)
    return None


def _is_finite(value: Any) -> bool:
    # An int may be larger than any float.
    return is_number(value) and abs(value) <= float_info.max
