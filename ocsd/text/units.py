"""Durations and sizes as operators read them: short enough for a column."""

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_DAY_S = 24 * _HOUR_S


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, e.g. ``3h12m``."""
    whole_s = int(seconds)
    if whole_s < _MINUTE_S:
        return f"{whole_s}s"
    if whole_s < _HOUR_S:
        return f"{whole_s // _MINUTE_S}m{whole_s % _MINUTE_S:02d}s"
    if whole_s < _DAY_S:
        return f"{whole_s // _HOUR_S}h{whole_s % _HOUR_S // _MINUTE_S:02d}m"
    return f"{whole_s // _DAY_S}d{whole_s % _DAY_S // _HOUR_S:02d}h"


def short_duration(seconds: float) -> str:
    """Return a duration to the hundredth of a second, e.g. ``0.05 s``."""
    return f"{seconds:.2f} s"


def memory(size_bytes: float) -> str:
    """Return a size in powers of 1024, e.g. ``7.8M``."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f}B"
    size = size_bytes / 1024
    for unit in ("K", "M"):
        if size < 100:
            return f"{size:.1f}{unit}"
        if size < 1000:
            return f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.1f}G"
