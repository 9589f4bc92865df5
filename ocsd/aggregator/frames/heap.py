"""The treatment of freed memory by the C library, and of garbage by Python."""

import ctypes
import gc
from typing import Final

# Names and numbers of <malloc.h> of glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_KEPT_BYTES: Final = 64 * 2**20
_LARGEST_BYTES: Final = 32 * 2**20

_COLLECT_AFTER: Final = 10_000, 20, 20
"""Objects that are new, and collections of younger ones, before garbage is looked for."""


def keep_freed_memory() -> None:
    """Keep freed memory for the next frame instead of returning it to the system.

    A frame is copied several times on its way into a file. By default glibc asks the system
    for each of these megabytes and returns them, and the kernel clears the pages every time:
    two fifths of the time of writing (measured). With another C library nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_BYTES)


def collect_seldom() -> None:
    """Look for garbage more seldom.

    Messages that wait for a batch are tens of thousands of lists and maps, none of them garbage.
    With Python's usual thresholds looking through them takes a seventh of the time of recording.
    """
    gc.set_threshold(*_COLLECT_AFTER)
