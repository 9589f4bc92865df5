"""Times as text, in UTC."""

import time


def utc(unix_time_s: float) -> str:
    """Return a Unix time as ISO 8601, to the second, e.g. ``2026-11-22T12:02:48Z``.

    Raises
    ------
    ValueError
        If the calendar has no such time.
    """
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_time_s))
    except (OverflowError, OSError) as error:
        raise ValueError(f"{unix_time_s} s is not a time of the calendar") from error
