"""Whether this process can open anything more."""

import errno
import os
import resource


def shortage() -> str:
    """Return that this process has used up its descriptors; empty if it has not.

    To count them takes a descriptor, too, and time where there are many; to open one does not.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        if error.errno != errno.EMFILE:
            return ""
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"out of descriptors ({most} of {most} are open)"
    return ""
