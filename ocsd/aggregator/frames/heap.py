"""The treatment of freed memory by the C library."""

import ctypes
from typing import Final

# Names and numbers of <malloc.h> of glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_KEPT_BYTES: Final = 64 * 2**20
_LARGEST_BYTES: Final = 32 * 2**20


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
